// SPDX-License-Identifier: Apache-2.0
use crate::error::{check, text};
use crate::ffi;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Mutex;

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

type Sink = Box<dyn Fn(LogLevel, &str) + Send + Sync>;

/// The sink in use; its own box, so that its address stays.
static SINK: Mutex<Option<Box<Sink>>> = Mutex::new(None);

unsafe extern "C" fn forward(user: *mut c_void, level: i32, line: *const c_char) {
    let level = match level {
        ffi::MDVT_LOG_DEBUG => LogLevel::Debug,
        ffi::MDVT_LOG_INFO => LogLevel::Info,
        ffi::MDVT_LOG_WARNING => LogLevel::Warning,
        _ => LogLevel::Error,
    };
    let line = text(line);
    let sink = &*(user as *const Sink);
    // Nothing may unwind into C. A log line has no caller to whom a panic could go on.
    let _ = catch_unwind(AssertUnwindSafe(|| sink(level, &line)));
}

/// Sends the log of the whole process to `sink`; `None` restores the default, by which warnings and
/// errors go to stderr. The sink is called from any thread, one call at a time, and must not call
/// mdvt. When this returns, the sink before is no longer in use.
pub fn set_log_sink<F>(sink: Option<F>)
where
    F: Fn(LogLevel, &str) + Send + Sync + 'static,
{
    let mut current = SINK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let next = sink.map(|sink| Box::new(Box::new(sink) as Sink));
    let (function, user) = match &next {
        Some(sink) => (
            Some(forward as ffi::mdvt_log_fn),
            &**sink as *const Sink as *mut c_void,
        ),
        None => (None, std::ptr::null_mut()),
    };
    // SAFETY: the box lives until another sink has taken its place.
    check(unsafe { ffi::mdvt_set_log_sink(function, user) }).expect("setting a sink cannot fail");
    *current = next;
}
