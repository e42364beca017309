//! No two files of a library need each other, but for a module and its own children: what is read first can be read first.
//!
//! `cargo test -p orca-testkit --test tidy circles` tells. A file needs another when it names something that stands there;
//! what a module only passes on (`pub use`) is looked for where it stands.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, UseTree, Visibility};

use crate::workspace::{File, none, sources};

/// The folders that are looked at: a library, or a part of the testkit that is one by itself.
const FOLDERS: [&str; 4] = ["orca-core/src/", "orca-kube/src/", "orca-aws/src/", "orca-testkit/src/"];

/// A path of module names from the root of its library.
type Path = Vec<String>;

/// What one file says about others.
#[derive(Default)]
struct Names {
    /// Every path that it names, from its own module on or from the root.
    named: BTreeSet<Vec<String>>,
    /// What it passes on: the name here, and the path there.
    passed_on: BTreeMap<String, Vec<String>>,
}

/// Collects the names in a file, its tests aside.
struct Reader(Names);

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"))
            && module.ident.to_string().starts_with("test");
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut found = Vec::new();
        leaves(&item.tree, &mut Vec::new(), &mut found);
        for (name, path) in found {
            if !matches!(item.vis, Visibility::Inherited) {
                self.0.passed_on.insert(name, path.clone());
            }
            self.0.named.insert(path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if words.len() > 1 && is_local(&words) {
            self.0.named.insert(words);
        }
        visit::visit_path(self, path);
    }
}

fn is_local(words: &[String]) -> bool {
    words.first().is_some_and(|first| ["crate", "self", "super"].contains(&first.as_str()))
}

/// The paths of a `use`, each with the name that it has afterwards.
fn leaves(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            leaves(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) => leaf(&name.ident.to_string(), &name.ident.to_string(), before, found),
        UseTree::Rename(name) => leaf(&name.ident.to_string(), &name.rename.to_string(), before, found),
        UseTree::Glob(_) => found.push(("*".into(), before.clone())),
        UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, before, found)),
    }
}

fn leaf(word: &str, name: &str, before: &[String], found: &mut Vec<(String, Vec<String>)>) {
    let mut path = before.to_vec();
    if word != "self" {
        path.push(word.to_owned());
    }
    found.push((name.to_owned(), path));
}

/// The files of one library by their modules.
struct Library {
    files: BTreeMap<Path, (String, Names)>,
}

impl Library {
    fn read(folder: &str, files: &[File]) -> Self {
        let is_code = |file: &&File| {
            file.path.starts_with(folder)
                && !file.path.contains("/tests")
                && !file.path.contains("/bin/")
                && !file.path.ends_with("/main.rs")
        };
        let read = |file: &File| {
            let mut reader = Reader(Names::default());
            reader.visit_file(&syn::parse_file(&file.text).expect("Rust"));
            let inside = file.path.trim_start_matches(folder).trim_end_matches(".rs");
            let module = inside.split('/').map(str::to_owned).collect::<Path>();
            let module = if module == ["lib"] { Path::new() } else { module };
            (module, (file.path.clone(), reader.0))
        };
        Self { files: files.iter().filter(is_code).map(read).collect() }
    }

    /// The module whose file says what this path names. None: nothing of this library.
    fn owner(&self, from: &Path, words: &[String], patience: u32) -> Option<Path> {
        let mut module = match words.first().map(String::as_str) {
            Some("crate") => Path::new(),
            Some("self") => from.clone(),
            Some("super") => from.split_last()?.1.to_vec(),
            // A name without a root is a child of this module or a foreign crate.
            Some(name) if self.files.contains_key(&child(from, name)) => child(from, name),
            Some(_) | None => return None,
        };
        let mut rest = words.get(1..)?;
        while let Some((next, after)) = rest.split_first() {
            if next == "super" {
                module.pop();
            } else if self.files.contains_key(&child(&module, next)) {
                module = child(&module, next);
            } else {
                break;
            }
            rest = after;
        }
        let (_, names) = self.files.get(&module)?;
        match rest.first().and_then(|item| names.passed_on.get(item)) {
            Some(path) if patience > 0 => self.owner(&module, path, patience - 1).or(Some(module)),
            Some(_) | None => Some(module),
        }
    }

    /// Which module needs which others, parents and children aside.
    fn needs(&self) -> BTreeMap<&Path, BTreeSet<Path>> {
        let needs = |module: &Path, names: &Names| {
            let owners = names.named.iter().filter_map(|words| self.owner(module, words, 8));
            owners.filter(|other| other != module && !are_family(module, other)).collect()
        };
        self.files.iter().map(|(module, (_, names))| (module, needs(module, names))).collect()
    }

    /// The shortest circle through each module that is in one, by the names of its files.
    fn circles(&self) -> BTreeSet<String> {
        let needs = self.needs();
        let mut found = BTreeSet::new();
        for start in needs.keys() {
            let Some(mut circle) = circle(&needs, start) else { continue };
            let least = circle.iter().min().cloned().unwrap_or_default();
            let turn = circle.iter().position(|module| *module == least).unwrap_or_default();
            circle.rotate_left(turn);
            let names =
                circle.iter().filter_map(|module| self.files.get(module)).map(|(path, _)| path.as_str());
            found.insert(names.collect::<Vec<_>>().join(" -> "));
        }
        found
    }
}

fn child(module: &[String], name: &str) -> Path {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// Whether one of these modules is the other's parent.
fn are_family(one: &Path, other: &Path) -> bool {
    let is_parent = |parent: &Path, child: &Path| child.split_last().is_some_and(|(_, rest)| rest == parent);
    is_parent(one, other) || is_parent(other, one)
}

/// The shortest way from a module back to itself.
fn circle(needs: &BTreeMap<&Path, BTreeSet<Path>>, start: &Path) -> Option<Vec<Path>> {
    let mut came_from: BTreeMap<&Path, &Path> = BTreeMap::new();
    let mut edge = vec![start];
    while !edge.is_empty() {
        let mut next = Vec::new();
        for module in edge {
            for needed in needs.get(module)? {
                if needed == start {
                    let mut circle = vec![module.clone()];
                    let mut at = module;
                    while at != start {
                        at = came_from.get(at)?;
                        circle.push(at.clone());
                    }
                    circle.reverse();
                    return Some(circle);
                }
                if !came_from.contains_key(needed) {
                    came_from.insert(needed, module);
                    next.push(needed);
                }
            }
        }
        edge = next;
    }
    None
}

#[test]
fn no_files_need_each_other_in_a_circle() {
    let files = sources();
    let circles = FOLDERS.iter().flat_map(|folder| Library::read(folder, &files).circles());
    none("files that need each other", circles);
}

#[test]
fn a_circle_is_found_also_through_what_a_module_passes_on() {
    let file = |path: &str, text: &str| File { path: format!("lib/{path}"), text: text.to_owned() };
    let library = |c: &str| {
        let files = [
            file("lib.rs", "mod a; mod b; mod c;"),
            file("a.rs", "mod inner; pub use inner::Thing;"),
            file("a/inner.rs", "use crate::b::Other; pub struct Thing(Other);"),
            file("b.rs", "use super::c; pub struct Other;"),
            file("c.rs", c),
        ];
        Library::read("lib/", &files).circles().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(library("fn f() {}"), Vec::<String>::new());
    assert_eq!(library("fn f(_: crate::a::Thing) {}"), ["lib/a/inner.rs -> lib/b.rs -> lib/c.rs"]);
    let in_tests = "#[cfg(test)] mod tests { use crate::a::Thing; }";
    assert_eq!(library(in_tests), Vec::<String>::new(), "tests may use everything");
}
