// SPDX-License-Identifier: Apache-2.0
//! mdvt: metric depth, camera motion and stereo video from any video.
//!
//! * Whole jobs, from files to files: [`Options`] and [`Job`], or [`run`] for both in one call. Every
//!   program of mdvt is a tool here, under its name and with its options.
//! * Frames: [`Reader`] and [`Writer`] for videos and depth videos, [`Renderer`] for the pictures of
//!   both eyes, [`Stage`] for depth from motion or from a network ([`Model`]).
//!
//! Depth is planar z in metres, 0 where nothing is known. Cameras look along z, x is right, y is
//! down; the centre of the top left pixel lies at (0.5, 0.5).
//!
//! Every failure is an [`Error`] with one line of text. A panic in a callback ends the job and goes
//! on in the caller. Handles are `Send`: they may move to another thread, one thread at a time uses
//! them. Nothing appears under an output's name before it is whole.
//!
//! ```no_run
//! fn main() -> mdvt::Result<()> {
//!     let depth = mdvt::run("video_metric_convert", &[("color_video", "clip.mp4".into()),
//!                                                     ("xfov", 60.0.into())])?;
//!     mdvt::run("stereo_rerender", &[("color_video", "clip.mp4".into()),
//!                                    ("depth_video", depth.outputs()[0].as_str().into())])?;
//!     Ok(())
//! }
//! ```
#![warn(missing_docs)]

mod error;
#[allow(missing_docs)]
pub mod ffi;
mod image;
mod log;
mod stage;
mod stereo;
mod tools;
mod video;

pub use error::{Code, Error, Result};
pub use image::{
    convert, Camera, Color, ColorModel, Image, ImageView, Limits, PixelFormat, Sample,
};
pub use log::{set_log_sink, LogLevel};
pub use stage::{
    add_backend_folder, Model, ModelDepthOptions, ModelInfo, ModelOptions, MotionOptions,
    Precision, Stage,
};
pub use stereo::{fill_holes, Edges, Eye, Fill, MaskStyle, Renderer, RendererOptions};
pub use tools::{
    run, tools, Canceller, Job, Kind, OptionInfo, Options, Path, Progress, Report, ReportField,
    ToolInfo, Value,
};
pub use video::{
    decode_depth, encode_depth, Codec, DepthCodec, DepthEncoding, DepthReaderOptions,
    DepthWriterOptions, Frame, MotionStatus, Quantity, Rational, Reader, StereoLayout, VideoInfo,
    VideoReaderOptions, VideoWriterOptions, Writer,
};

/// The version of the library that is loaded, "0.1.0".
pub fn version() -> &'static str {
    // SAFETY: the text lasts for ever.
    unsafe { std::ffi::CStr::from_ptr(ffi::mdvt_version()) }
        .to_str()
        .unwrap_or("")
}

// Compiles and runs the examples of the page.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust.md")]
struct Page;
