// SPDX-License-Identifier: Apache-2.0
use crate::error::{check, handle, Defaults, Result};
use crate::ffi;
use crate::image::{Camera, Color, Image, ImageView, PixelFormat};
use crate::video::c_enum;

c_enum! {
    /// What happens at steps in depth.
    Edges {
        /// Surfaces part; what appears behind is a hole.
        Tear = MDVT_EDGES_TEAR,
        /// The surface is a rubber sheet.
        Stretch = MDVT_EDGES_STRETCH,
    }
}

c_enum! {
    /// What becomes of holes.
    Fill {
        /// They are closed from their background side.
        Background = MDVT_FILL_BACKGROUND,
        /// They stay black.
        Black = MDVT_FILL_BLACK,
    }
}

c_enum! {
    /// What the colours of a hole mask say.
    MaskStyle {
        /// Where the background lies.
        Directions = MDVT_MASK_DIRECTIONS,
        /// (0, 255, 0) in every hole.
        Green = MDVT_MASK_GREEN,
    }
}

/// How both eyes' pictures are made.
#[derive(Clone, Debug)]
pub struct RendererOptions {
    /// 0: one per core. Never changes results.
    pub num_threads: i32,
    /// Metres between the eyes, [0, 1].
    pub baseline: f64,
    /// What happens at steps in depth.
    pub edges: Edges,
    /// A step tears beyond this many pixels on screen, [0, 1000],
    pub tear_disparity: f64,
    /// and beyond this part of the nearer depth, [0, 10].
    pub tear_depth: f64,
    /// What becomes of holes.
    pub fill: Fill,
    /// Pixels next to a hole that may be a mixture of both sides, [0, 16].
    pub rim: i32,
    /// What the colours of a hole mask say.
    pub mask_style: MaskStyle,
    /// Of the colour pictures.
    pub color: Color,
}

impl Default for RendererOptions {
    fn default() -> Self {
        let c = ffi::mdvt_renderer_options::defaults();
        let stereo = ffi::mdvt_stereo_options::defaults();
        let fill = ffi::mdvt_fill_options::defaults();
        RendererOptions {
            num_threads: c.num_threads,
            baseline: stereo.baseline,
            edges: Edges::from_c(stereo.edges).unwrap_or(Edges::Tear),
            tear_disparity: stereo.tear_disparity,
            tear_depth: stereo.tear_depth,
            fill: Fill::from_c(c.fill).unwrap_or(Fill::Background),
            rim: fill.rim,
            mask_style: MaskStyle::from_c(c.mask_style).unwrap_or(MaskStyle::Directions),
            color: Color::from_c(&c.color),
        }
    }
}

/// What one eye sees.
pub struct Eye {
    /// In the format and size of the colour picture.
    pub image: Image,
    /// Metres of what is seen, 0 in holes.
    pub depth: Image,
    /// RGB of 8 bits: black is seen, all else is a hole.
    pub mask: Image,
}

impl Eye {
    fn new(color: &ImageView<'_>) -> Result<Eye> {
        let (width, height) = (color.width(), color.height());
        Ok(Eye {
            image: Image::new(color.format(), width, height)?,
            depth: Image::new(PixelFormat::DEPTH, width, height)?,
            mask: Image::new(PixelFormat::rgb(8), width, height)?,
        })
    }

    fn target(&mut self) -> ffi::mdvt_eye {
        let mut c = ffi::mdvt_eye::defaults();
        c.image = self.image.c_mut();
        c.depth = self.depth.c_mut();
        c.mask = self.mask.c_mut();
        c
    }
}

handle!(RendererHandle, mdvt_renderer, mdvt_renderer_destroy);

/// Makes the pictures of both eyes from one picture and its depth.
pub struct Renderer(RendererHandle);

impl Renderer {
    /// Fails if a value is out of its range.
    pub fn new(options: &RendererOptions) -> Result<Renderer> {
        let mut stereo = ffi::mdvt_stereo_options::defaults();
        stereo.baseline = options.baseline;
        stereo.edges = options.edges.to_c();
        stereo.tear_disparity = options.tear_disparity;
        stereo.tear_depth = options.tear_depth;
        let fill = fill_options(options.rim);
        let mut c = ffi::mdvt_renderer_options::defaults();
        c.num_threads = options.num_threads;
        c.stereo = &stereo;
        c.fill_options = &fill;
        c.fill = options.fill.to_c();
        c.mask_style = options.mask_style.to_c();
        c.color = options.color.to_c();
        let mut renderer = std::ptr::null_mut();
        // SAFETY: everything outlives the call.
        check(unsafe { ffi::mdvt_renderer_create(&c, &mut renderer) })?;
        Ok(Renderer(RendererHandle(renderer)))
    }

    /// The left and the right eye:
    /// `x_left = x + k (1 / z - 1 / convergence)`, `x_right = x - k (1 / z - 1 / convergence)` with
    /// `k = fx * baseline / 2` pixels. At `convergence` metres the pictures coincide; `None` is
    /// parallel eyes. Fails if sizes, formats or values are wrong.
    pub fn render(
        &mut self,
        color: ImageView<'_>,
        depth: ImageView<'_>,
        camera: &Camera,
        convergence: Option<f64>,
    ) -> Result<(Eye, Eye)> {
        let (mut left, mut right) = (Eye::new(&color)?, Eye::new(&color)?);
        let (c_left, c_right) = (left.target(), right.target());
        // SAFETY: the pictures of the eyes are ours and have the size of `color`.
        check(unsafe {
            ffi::mdvt_renderer_render(
                self.0 .0,
                &color.c,
                &depth.c,
                &camera.to_c(),
                convergence.unwrap_or(0.0),
                &c_left,
                &c_right,
            )
        })?;
        Ok((left, right))
    }
}

fn fill_options(rim: i32) -> ffi::mdvt_fill_options {
    let mut c = ffi::mdvt_fill_options::defaults();
    c.rim = rim;
    c
}

/// Fills the holes of a picture from their background side. In the mask exact black keeps the pixel;
/// `rim` is that of [`RendererOptions`].
pub fn fill_holes(mask: ImageView<'_>, rim: i32, image: &mut Image) -> Result<()> {
    let target = image.c_mut();
    // SAFETY: the library compares the sizes of both.
    check(unsafe { ffi::mdvt_fill_holes(&mask.c, &fill_options(rim), &target) })
}
