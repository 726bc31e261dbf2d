//! The threads on which the core works, one set for the whole process.

use std::future::Future;
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::runtime::{Builder, Runtime};

use crate::ApiError;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
/// Held by who makes it: a second one could not be dropped where a caller is asynchronous itself.
static MAKING: Mutex<()> = Mutex::new(());

/// Meetings and timers want little: the ledger has a thread of its own, and hashing runs on the blocking pool.
const THREADS: usize = 2;

/// The runtime. It is never dropped, so that no shell has to end it in the right order.
pub(crate) fn runtime() -> Result<&'static Runtime, ApiError> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made =
        Builder::new_multi_thread().worker_threads(THREADS).thread_name("firsthand").enable_all().build();
    let made = made.map_err(|error| ApiError::home_failed(format!("start its threads: {}", error.kind())))?;
    Ok(RUNTIME.get_or_init(|| made))
}

/// Hands work to the core and waits for it. Dropping the wait does not stop the work.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let task = runtime()?.spawn(work);
    // The only way not to finish is a panic, which the core's own tests would have to explain.
    task.await.unwrap_or_else(|_| Err(ApiError::home_failed("finish: a defect of the program".to_owned())))
}

/// Calls a port where it may block, and says whether it returned.
pub(crate) async fn call_port<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(call).await.ok()
}
