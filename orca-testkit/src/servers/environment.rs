//! The only place where the harness reads the environment or blocks a thread.

use std::path::PathBuf;
use std::time::Duration;

/// The user's cache folder, as the XDG specification has it: a relative value is ignored.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}

/// Blocks the thread.
#[expect(
    clippy::disallowed_methods,
    reason = "servers are stopped in `Drop`, which may run outside any async runtime"
)]
pub(crate) fn block(pause: Duration) {
    std::thread::sleep(pause);
}
