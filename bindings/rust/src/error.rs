// SPDX-License-Identifier: Apache-2.0
use crate::ffi;
use std::ffi::{CStr, CString};
use std::fmt;
use std::os::raw::c_char;

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A value outside the range that its documentation names.
    InvalidArgument,
    /// A file, stream or entry that is not there.
    NotFound,
    /// The input contradicts itself or its format.
    Corrupt,
    /// Valid, but nothing that this build can do.
    Unsupported,
    /// Larger than [`Limits`](crate::Limits) allow.
    Limit,
    /// What was asked cannot be known from this input.
    Refused,
    /// An estimate that did not settle.
    NotConverged,
    /// The operating system refused a read or a write.
    Io,
    /// There was not enough memory.
    OutOfMemory,
    /// A callback or a [`Canceller`](crate::Canceller) asked for it.
    Cancelled,
    /// A bug of mdvt, never caused by input alone.
    Internal,
}

/// A failure: its kind, and one line that says what, where, and what would be valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure it was.
    pub code: Code,
    /// One line for people.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A result whose failure is an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The failure of the call that has just returned `status` on this thread.
fn last_error(status: i32) -> Error {
    let code = match status {
        ffi::MDVT_INVALID_ARGUMENT => Code::InvalidArgument,
        ffi::MDVT_NOT_FOUND => Code::NotFound,
        ffi::MDVT_CORRUPT => Code::Corrupt,
        ffi::MDVT_UNSUPPORTED => Code::Unsupported,
        ffi::MDVT_LIMIT => Code::Limit,
        ffi::MDVT_REFUSED => Code::Refused,
        ffi::MDVT_NOT_CONVERGED => Code::NotConverged,
        ffi::MDVT_IO => Code::Io,
        ffi::MDVT_OUT_OF_MEMORY => Code::OutOfMemory,
        ffi::MDVT_CANCELLED => Code::Cancelled,
        _ => Code::Internal,
    };
    // SAFETY: never null, valid until the next failure on this thread.
    let message = unsafe { text(ffi::mdvt_last_error()) };
    Error { code, message }
}

/// Whether there was a value: false stands for the status "end".
pub(crate) fn check_value(status: i32) -> Result<bool> {
    match status {
        ffi::MDVT_OK => Ok(true),
        ffi::MDVT_END => Ok(false),
        _ => Err(last_error(status)),
    }
}

pub(crate) fn check(status: i32) -> Result<()> {
    check_value(status).map(|_| ())
}

pub(crate) fn invalid(message: String) -> Error {
    Error {
        code: Code::InvalidArgument,
        message,
    }
}

/// A copy of a text of the library; null is "".
///
/// # Safety
/// `pointer` is null or a text that ends in 0.
pub(crate) unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    CStr::from_ptr(pointer).to_string_lossy().into_owned()
}

pub(crate) fn c_text(text: impl Into<Vec<u8>>) -> Result<CString> {
    CString::new(text).map_err(|error| {
        let shown = String::from_utf8_lossy(&error.into_vec()).replace('\0', "\\0");
        invalid(format!("'{shown}' has a zero byte inside"))
    })
}

pub(crate) fn c_path(path: &std::path::Path) -> Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    c_text(path.as_os_str().as_bytes())
}

pub(crate) fn optional_c_text(text: &Option<String>) -> Result<Option<CString>> {
    text.as_ref().map(|text| c_text(text.as_str())).transpose()
}

/// The pointer that C takes: null where there is none.
pub(crate) fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// A struct that the library fills in with its defaults.
pub(crate) trait Defaults: Copy {
    const ID: i32;

    fn defaults() -> Self {
        let mut value = std::mem::MaybeUninit::<Self>::zeroed();
        let size = std::mem::size_of::<Self>() as u32;
        // SAFETY: all fields are plain data, for which zeros are values, and the size is right.
        unsafe {
            let status = ffi::mdvt_struct_init(Self::ID, value.as_mut_ptr().cast(), size);
            assert_eq!(
                status,
                ffi::MDVT_OK,
                "the library does not know struct {}",
                Self::ID
            );
            value.assume_init()
        }
    }
}

macro_rules! defaults {
    ($($type:ident: $id:ident,)*) => {
        $(impl Defaults for ffi::$type { const ID: i32 = ffi::$id; })*
    };
}

defaults! {
    mdvt_depth_codec: MDVT_STRUCT_DEPTH_CODEC,
    mdvt_depth_reader_options: MDVT_STRUCT_DEPTH_READER_OPTIONS,
    mdvt_depth_writer_options: MDVT_STRUCT_DEPTH_WRITER_OPTIONS,
    mdvt_eye: MDVT_STRUCT_EYE,
    mdvt_fill_options: MDVT_STRUCT_FILL_OPTIONS,
    mdvt_frame: MDVT_STRUCT_FRAME,
    mdvt_limits: MDVT_STRUCT_LIMITS,
    mdvt_model_depth_options: MDVT_STRUCT_MODEL_DEPTH_OPTIONS,
    mdvt_model_info: MDVT_STRUCT_MODEL_INFO,
    mdvt_model_options: MDVT_STRUCT_MODEL_OPTIONS,
    mdvt_motion_options: MDVT_STRUCT_MOTION_OPTIONS,
    mdvt_option_info: MDVT_STRUCT_OPTION_INFO,
    mdvt_renderer_options: MDVT_STRUCT_RENDERER_OPTIONS,
    mdvt_report_field_info: MDVT_STRUCT_REPORT_FIELD_INFO,
    mdvt_stereo_options: MDVT_STRUCT_STEREO_OPTIONS,
    mdvt_tool_info: MDVT_STRUCT_TOOL_INFO,
    mdvt_video_info: MDVT_STRUCT_VIDEO_INFO,
    mdvt_video_reader_options: MDVT_STRUCT_VIDEO_READER_OPTIONS,
    mdvt_video_writer_options: MDVT_STRUCT_VIDEO_WRITER_OPTIONS,
}

/// An owned handle that ends with a call of the library.
macro_rules! handle {
    ($name:ident, $type:ident, $end:ident) => {
        pub(crate) struct $name(pub(crate) *mut $crate::ffi::$type);
        // SAFETY: a handle may be used by any thread, one at a time.
        unsafe impl Send for $name {}
        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: made by the library and not ended yet.
                unsafe { $crate::ffi::$end(self.0) }
            }
        }
    };
}
pub(crate) use handle;
