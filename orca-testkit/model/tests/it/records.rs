//! The launch records of a run: documents of production, written and read by its own codec. A state holds their numbers.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use orca_core::launch::{AttemptState, LaunchRecord};
use orca_core::{ClusterId, PodUid};

use crate::time::Time;

/// The number of a record. Zero: there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RecordId(u16);

/// A record, and what the model has to know of it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) record: LaunchRecord,
    pub(crate) attempt: u8,
    pub(crate) zone: u8,
    /// In which tick its token was first announced.
    pub(crate) first: u8,
    /// In which tick its latest send was announced.
    pub(crate) sent: u8,
    /// The instance that it names.
    pub(crate) instance: Option<u8>,
    /// Whether only time or an answer can tell what became of it.
    pub(crate) is_open: bool,
}

#[derive(Debug, Default)]
struct Table {
    numbers: HashMap<(u8, String), RecordId>,
    known: Vec<Arc<Known>>,
}

/// All records of a run.
#[derive(Debug)]
pub(crate) struct Records {
    table: RwLock<Table>,
    time: Time,
}

pub(crate) fn cluster() -> ClusterId {
    "cluster".into()
}

pub(crate) fn uid(pod: u8) -> PodUid {
    PodUid::new(format!("uid-{pod}"))
}

/// The number in a name such as `i-2`.
pub(crate) fn number(name: &str) -> u8 {
    name.rsplit('-').next().and_then(|number| number.parse().ok()).expect("a name with a number")
}

impl Records {
    pub(crate) fn new(time: Time) -> Self {
        Self { table: RwLock::default(), time }
    }

    pub(crate) fn get(&self, id: RecordId) -> Option<Arc<Known>> {
        let place = usize::from(id.0.checked_sub(1)?);
        self.table.read().unwrap_or_else(PoisonError::into_inner).known.get(place).cloned()
    }

    /// The number of this record, which goes through the codec as it would on its way to the API server and back.
    pub(crate) fn number(&self, pod: u8, record: &LaunchRecord) -> RecordId {
        let text = record.encode();
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = table.numbers.get(&(pod, text.clone())) {
            return *id;
        }
        let read = LaunchRecord::decode(&text, &cluster(), &uid(pod)).expect("the record can be read");
        assert_eq!(read, *record, "the codec loses nothing");
        table.known.push(Arc::new(self.known(read)));
        let id = RecordId(u16::try_from(table.known.len()).expect("few records"));
        table.numbers.insert((pod, text), id);
        id
    }

    fn known(&self, record: LaunchRecord) -> Known {
        let is_open = match record.state() {
            AttemptState::Unresolved { .. } | AttemptState::Mismatch => true,
            AttemptState::Launched(_) | AttemptState::Closed(_) | AttemptState::Unsent => false,
        };
        Known {
            attempt: u8::try_from(record.attempt).expect("few attempts"),
            zone: record.offer.zone.as_deref().map(number).expect("a zone"),
            first: self.time.place(record.first_send_at).0,
            sent: self.time.place(record.send_at).0,
            instance: record.instance_id.as_ref().map(|id| number(id.as_str())),
            is_open,
            record,
        }
    }
}
