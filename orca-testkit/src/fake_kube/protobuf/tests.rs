//! Bodies as kubectl writes them.

use serde_json::json;

use super::*;

fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("short");
    [&[(number << 3) | 2, length], content].concat()
}

fn body(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
    let type_meta = [bytes(1, api_version.as_bytes()), bytes(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), bytes(1, &type_meta), bytes(2, object)].concat()
}

#[test]
fn a_question_about_rights_is_read() {
    let attributes = [bytes(1, b"default"), bytes(2, b"create"), bytes(5, b"pods"), bytes(7, b"")].concat();
    let review = [bytes(1, &[]), bytes(2, &bytes(1, &attributes))].concat();
    let read = decode(&body("authorization.k8s.io/v1", "SelfSubjectAccessReview", &review)).expect("read");
    let expected = json!({ "namespace": "default", "verb": "create", "resource": "pods" });
    assert_eq!(read["spec"]["resourceAttributes"], expected);
}

#[test]
fn a_config_map_is_read() {
    let labels = bytes(11, &[bytes(1, b"k"), bytes(2, b"v")].concat());
    let metadata = [bytes(1, b"name"), bytes(8, &[]), labels].concat();
    let data = bytes(2, &[bytes(1, b"key"), bytes(2, b"")].concat());
    let map = [bytes(1, &metadata), data, vec![4 << 3, 0]].concat();
    let expected = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "name", "labels": { "k": "v" } },
        "data": { "key": "" },
        "immutable": false,
    });
    assert_eq!(decode(&body("v1", "ConfigMap", &map)), Some(expected));
}

#[test]
fn nonsense_is_refused() {
    assert_eq!(decode(b"{}"), None);
    assert_eq!(decode(b"k8s\0\xff\xff"), None);
    assert_eq!(decode(&body("example.com/v1", "Thing", &[])), None);
}

#[test]
fn the_table_is_complete() {
    for fields in messages().values() {
        for field in fields.values() {
            let kind = field.kind.trim_start_matches(['*', '%']);
            let is_simple = kind.len() == 1 || !kind.contains('.');
            assert!(is_simple || messages().contains_key(kind), "{kind}");
        }
    }
}
