// SPDX-License-Identifier: Apache-2.0
#![allow(dead_code)] // each test file is a program that uses some of this

use mdvt::{Camera, DepthWriterOptions, Image, PixelFormat, Rational, VideoWriterOptions, Writer};
use std::path::{Path, PathBuf};

pub const WIDTH: usize = 64;
pub const HEIGHT: usize = 48;
pub const FRAMES: usize = 6;

/// An empty folder for one test.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn luma(frame: usize, x: usize, y: usize) -> u8 {
    (16 + (x * 7 + y * 3 + frame * 5) % 219) as u8
}

pub fn metres(x: usize, y: usize) -> f32 {
    let near = (24..40).contains(&x) && (16..32).contains(&y);
    if near {
        1.5
    } else {
        5.0
    }
}

pub fn picture(frame: usize) -> Image {
    let mut image = Image::new(PixelFormat::yuv420(8), WIDTH, HEIGHT).unwrap();
    for y in 0..HEIGHT {
        for (x, sample) in image.row_mut::<u8>(0, y).iter_mut().enumerate() {
            *sample = luma(frame, x, y);
        }
    }
    for plane in 1..3 {
        for y in 0..HEIGHT / 2 {
            image.row_mut::<u8>(plane, y).fill(128);
        }
    }
    image
}

pub fn depth() -> Image {
    let values: Vec<f32> = (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).map(move |x| metres(x, y)))
        .collect();
    Image::from_depth(&values, WIDTH, HEIGHT).unwrap()
}

pub fn camera() -> Camera {
    Camera::from_xfov(WIDTH, HEIGHT, 60.0)
}

pub fn at_24_fps() -> VideoWriterOptions {
    VideoWriterOptions {
        time_base: Rational::new(1, 24),
        frame_rate: Some(Rational::new(24, 1)),
        ..Default::default()
    }
}

pub fn write_clip(path: &Path) -> mdvt::Result<()> {
    let mut writer =
        Writer::create_video(path, PixelFormat::yuv420(8), WIDTH, HEIGHT, &at_24_fps())?;
    for frame in 0..FRAMES {
        writer.write(picture(frame).view(), frame as i64, 1)?;
    }
    writer.finish()
}

pub fn write_depth(path: &Path) -> mdvt::Result<()> {
    let options = DepthWriterOptions {
        video: at_24_fps(),
        xfov_deg: Some(60.0),
        ..Default::default()
    };
    let mut writer = Writer::create_depth(path, WIDTH, HEIGHT, &options)?;
    for frame in 0..FRAMES {
        writer.write(depth().view(), frame as i64, 1)?;
    }
    writer.finish()
}
