// SPDX-License-Identifier: Apache-2.0
use crate::error::{check, invalid, Defaults, Result};
use crate::ffi;
use std::marker::PhantomData;
use std::os::raw::c_void;

/// What a reader may cost. 0 means zero, not unlimited.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Limits {
    pub max_side: i32,
    pub max_pixels_per_frame: i64,
    pub max_frames: i64,
    pub max_track_points: i64,
    pub max_text_bytes: i64,
    pub max_frame_buffer_bytes: i64,
    pub max_streams: i32,
    pub max_json_depth: i32,
}

impl Default for Limits {
    fn default() -> Self {
        let c = ffi::mdvt_limits::defaults();
        Limits {
            max_side: c.max_side,
            max_pixels_per_frame: c.max_pixels_per_frame,
            max_frames: c.max_frames,
            max_track_points: c.max_track_points,
            max_text_bytes: c.max_text_bytes,
            max_frame_buffer_bytes: c.max_frame_buffer_bytes,
            max_streams: c.max_streams,
            max_json_depth: c.max_json_depth,
        }
    }
}

impl Limits {
    pub(crate) fn to_c(&self) -> ffi::mdvt_limits {
        ffi::mdvt_limits {
            struct_size: std::mem::size_of::<ffi::mdvt_limits>() as u32,
            max_side: self.max_side,
            max_pixels_per_frame: self.max_pixels_per_frame,
            max_frames: self.max_frames,
            max_track_points: self.max_track_points,
            max_text_bytes: self.max_text_bytes,
            max_frame_buffer_bytes: self.max_frame_buffer_bytes,
            max_streams: self.max_streams,
            max_json_depth: self.max_json_depth,
        }
    }
}

/// What the planes of a picture are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorModel {
    /// One plane: luma, a mask, a depth code, or depth in metres.
    Gray,
    /// Planes Y, Cb, Cr; chroma may be smaller.
    Yuv,
    /// Planes R, G, B.
    Rgb,
}

/// How the samples of a picture are laid out.
#[derive(Clone, Copy)]
pub struct PixelFormat(pub(crate) ffi::mdvt_pixel_format);

impl PixelFormat {
    /// Depth in metres: one plane of `f32`.
    pub const DEPTH: PixelFormat = PixelFormat::new(ffi::MDVT_MODEL_GRAY, 32, 0, 0);

    const fn new(model: i32, bits: u8, shift_x: u8, shift_y: u8) -> PixelFormat {
        let sample_type = match bits {
            8 => ffi::MDVT_SAMPLE_U8,
            32 => ffi::MDVT_SAMPLE_F32,
            _ => ffi::MDVT_SAMPLE_U16,
        };
        PixelFormat(ffi::mdvt_pixel_format {
            model: model as u8,
            sample_type: sample_type as u8,
            bits,
            chroma_shift_x: shift_x,
            chroma_shift_y: shift_y,
            reserved: [0; 3],
        })
    }

    /// One plane of 8 to 16 bits.
    pub const fn gray(bits: u8) -> PixelFormat {
        PixelFormat::new(ffi::MDVT_MODEL_GRAY, bits, 0, 0)
    }

    /// Planes R, G, B of 8 to 16 bits.
    pub const fn rgb(bits: u8) -> PixelFormat {
        PixelFormat::new(ffi::MDVT_MODEL_RGB, bits, 0, 0)
    }

    /// Planes Y, Cb, Cr of 8 to 16 bits, chroma of half the width and height (4:2:0).
    pub const fn yuv420(bits: u8) -> PixelFormat {
        PixelFormat::new(ffi::MDVT_MODEL_YUV, bits, 1, 1)
    }

    /// Planes Y, Cb, Cr; a chroma plane is `ceil(width / 2^shift_x)` wide, likewise its height.
    pub const fn yuv(bits: u8, shift_x: u8, shift_y: u8) -> PixelFormat {
        PixelFormat::new(ffi::MDVT_MODEL_YUV, bits, shift_x, shift_y)
    }

    /// What the planes are.
    pub fn model(&self) -> ColorModel {
        match self.0.model as i32 {
            ffi::MDVT_MODEL_YUV => ColorModel::Yuv,
            ffi::MDVT_MODEL_RGB => ColorModel::Rgb,
            _ => ColorModel::Gray,
        }
    }

    /// Significant low bits of a sample; 32 of floats.
    pub fn bits(&self) -> u8 {
        self.0.bits
    }

    /// How many planes there are.
    pub fn num_planes(&self) -> usize {
        if self.model() == ColorModel::Gray {
            1
        } else {
            3
        }
    }

    fn bytes_of_sample(&self) -> usize {
        match self.0.sample_type as i32 {
            ffi::MDVT_SAMPLE_U8 => 1,
            ffi::MDVT_SAMPLE_U16 => 2,
            _ => 4,
        }
    }

    /// Width and height of a plane of a picture of this format.
    fn plane_size(&self, plane: usize, width: i32, height: i32) -> (usize, usize) {
        let shifted = |size: i32, shift: u8| ((size as usize) + (1 << shift) - 1) >> shift;
        if plane == 0 || self.model() != ColorModel::Yuv {
            (width as usize, height as usize)
        } else {
            (
                shifted(width, self.0.chroma_shift_x),
                shifted(height, self.0.chroma_shift_y),
            )
        }
    }
}

impl PartialEq for PixelFormat {
    fn eq(&self, other: &Self) -> bool {
        let key = |format: &PixelFormat| {
            let f = &format.0;
            (
                f.model,
                f.sample_type,
                f.bits,
                f.chroma_shift_x,
                f.chroma_shift_y,
            )
        };
        key(self) == key(other)
    }
}
impl Eq for PixelFormat {}

impl std::fmt::Debug for PixelFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} {} bits", self.model(), self.bits())?;
        if self.model() == ColorModel::Yuv {
            let (x, y) = (self.0.chroma_shift_x, self.0.chroma_shift_y);
            write!(formatter, ", chroma shifts {x} and {y}")?;
        }
        Ok(())
    }
}

/// A sample of a picture: `u8`, `u16` or `f32`.
pub trait Sample: Copy + private::Sealed {
    #[doc(hidden)]
    const TYPE: i32;
}

mod private {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
    impl Sealed for f32 {}
}

impl Sample for u8 {
    const TYPE: i32 = ffi::MDVT_SAMPLE_U8;
}
impl Sample for u16 {
    const TYPE: i32 = ffi::MDVT_SAMPLE_U16;
}
impl Sample for f32 {
    const TYPE: i32 = ffi::MDVT_SAMPLE_F32;
}

/// A picture that lies somewhere else, in a reader for example.
#[derive(Clone, Copy)]
pub struct ImageView<'a> {
    pub(crate) c: ffi::mdvt_image,
    pixels: PhantomData<&'a [u8]>,
}

// SAFETY: only reads memory that is borrowed.
unsafe impl Send for ImageView<'_> {}
unsafe impl Sync for ImageView<'_> {}

impl<'a> ImageView<'a> {
    /// None where the library gives no picture.
    ///
    /// # Safety
    /// The pixels are valid for 'a.
    pub(crate) unsafe fn from_c(c: ffi::mdvt_image) -> Option<ImageView<'a>> {
        (!c.data[0].is_null()).then_some(ImageView {
            c,
            pixels: PhantomData,
        })
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.c.width as usize
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.c.height as usize
    }

    /// How the samples are laid out.
    pub fn format(&self) -> PixelFormat {
        PixelFormat(self.c.format)
    }

    /// A row of a plane.
    ///
    /// # Panics
    /// If there is no such plane or row, or `T` is not the type of the samples.
    pub fn row<T: Sample>(&self, plane: usize, row: usize) -> &'a [T] {
        let format = self.format();
        assert!(
            T::TYPE == self.c.format.sample_type as i32,
            "the samples of {format:?} have another type"
        );
        assert!(
            plane < format.num_planes(),
            "{format:?} has no plane {plane}"
        );
        let (width, height) = format.plane_size(plane, self.c.width, self.c.height);
        assert!(row < height, "row {row} of a plane of {height} rows");
        // SAFETY: the row lies inside of the plane, whose samples are aligned to their size.
        unsafe {
            let start = (self.c.data[plane] as *const u8)
                .offset(row as isize * self.c.stride[plane] as isize);
            std::slice::from_raw_parts(start as *const T, width)
        }
    }

    /// The sample of a plane at a column and row; panics as [`row`](Self::row) does.
    pub fn at<T: Sample>(&self, plane: usize, column: usize, row: usize) -> T {
        self.row::<T>(plane, row)[column]
    }

    /// A copy of its own.
    pub fn to_image(&self) -> Image {
        let mut image = Image::allocate(self.format(), self.c.width, self.c.height);
        for plane in 0..self.format().num_planes() {
            let (width, height) = self.format().plane_size(plane, self.c.width, self.c.height);
            for row in 0..height {
                // SAFETY: both rows hold so many bytes, and they are not the same memory.
                unsafe {
                    let from = (self.c.data[plane] as *const u8)
                        .offset(row as isize * self.c.stride[plane] as isize);
                    let to = image.row_pointer(plane, row);
                    std::ptr::copy_nonoverlapping(
                        from,
                        to,
                        width * self.format().bytes_of_sample(),
                    );
                }
            }
        }
        image
    }
}

/// A picture with pixels of its own, planar, top left first.
pub struct Image {
    format: PixelFormat,
    width: i32,
    height: i32,
    planes: Vec<Vec<u32>>, // aligned for every type of sample
}

impl Image {
    /// All samples are 0. Fails unless the sides are in [1, 2^20] and the format is valid.
    pub fn new(format: PixelFormat, width: usize, height: usize) -> Result<Image> {
        let largest = 1 << 20;
        if !(1..=largest).contains(&width) || !(1..=largest).contains(&height) {
            return Err(invalid(format!(
                "a picture of {width}x{height} pixels, sides must be in [1, {largest}]"
            )));
        }
        let bits = format.bits();
        if !(8..=16).contains(&bits) && format != PixelFormat::DEPTH {
            return Err(invalid(format!("samples of {bits} bits, must be 8 to 16")));
        }
        if format.0.chroma_shift_x > 2 || format.0.chroma_shift_y > 2 {
            return Err(invalid("chroma shifts must be 0 to 2".to_owned()));
        }
        Ok(Image::allocate(format, width as i32, height as i32))
    }

    /// Depth in metres, row by row; 0 where nothing is known. Fails unless there are `width * height`
    /// values.
    pub fn from_depth(metres: &[f32], width: usize, height: usize) -> Result<Image> {
        let mut image = Image::new(PixelFormat::DEPTH, width, height)?;
        if metres.len() != width * height {
            let values = metres.len();
            return Err(invalid(format!(
                "{values} values for {width}x{height} pixels"
            )));
        }
        for (row, values) in metres.chunks_exact(width).enumerate() {
            image.row_mut::<f32>(0, row).copy_from_slice(values);
        }
        Ok(image)
    }

    fn allocate(format: PixelFormat, width: i32, height: i32) -> Image {
        let planes = (0..format.num_planes())
            .map(|plane| {
                let (_, rows) = format.plane_size(plane, width, height);
                vec![0u32; stride(format, plane, width, height) / 4 * rows]
            })
            .collect();
        Image {
            format,
            width,
            height,
            planes,
        }
    }

    /// The picture as others take it.
    pub fn view(&self) -> ImageView<'_> {
        ImageView {
            c: self.c(),
            pixels: PhantomData,
        }
    }

    /// A row of a plane, to be written; panics as [`ImageView::row`] does.
    pub fn row_mut<T: Sample>(&mut self, plane: usize, row: usize) -> &mut [T] {
        let samples = self.view().row::<T>(plane, row).len();
        // SAFETY: the row is in our own memory, which is borrowed for writing.
        unsafe { std::slice::from_raw_parts_mut(self.row_pointer(plane, row) as *mut T, samples) }
    }

    fn row_pointer(&mut self, plane: usize, row: usize) -> *mut u8 {
        let stride = stride(self.format, plane, self.width, self.height);
        self.planes[plane][row * stride / 4..].as_mut_ptr().cast()
    }

    fn c(&self) -> ffi::mdvt_image {
        let mut data = [std::ptr::null_mut::<c_void>(); 4];
        let mut strides = [0i64; 4];
        for (plane, samples) in self.planes.iter().enumerate() {
            data[plane] = samples.as_ptr() as *mut c_void;
            strides[plane] = stride(self.format, plane, self.width, self.height) as i64;
        }
        ffi::mdvt_image {
            format: self.format.0,
            width: self.width,
            height: self.height,
            data,
            stride: strides,
        }
    }

    /// For calls that write the pixels.
    pub(crate) fn c_mut(&mut self) -> ffi::mdvt_image {
        let mut c = self.c();
        for (plane, samples) in self.planes.iter_mut().enumerate() {
            c.data[plane] = samples.as_mut_ptr().cast();
        }
        c
    }
}

/// Bytes from row to row, a multiple of 4.
fn stride(format: PixelFormat, plane: usize, width: i32, height: i32) -> usize {
    let (columns, _) = format.plane_size(plane, width, height);
    (columns * format.bytes_of_sample() + 3) & !3
}

/// Colour as code points of ITU-T H.273; 2 is unspecified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// Matrix coefficients, 1 is BT.709.
    pub matrix: i32,
    /// Primaries.
    pub primaries: i32,
    /// Transfer characteristics.
    pub transfer: i32,
    /// Samples use their whole range.
    pub full_range: bool,
    /// 0 unspecified, 1 left, 2 centre, 3 top left.
    pub chroma_location: i32,
}

impl Default for Color {
    fn default() -> Self {
        Color {
            matrix: 2,
            primaries: 2,
            transfer: 2,
            full_range: false,
            chroma_location: 0,
        }
    }
}

impl Color {
    pub(crate) fn from_c(c: &ffi::mdvt_color) -> Color {
        Color {
            matrix: c.matrix,
            primaries: c.primaries,
            transfer: c.transfer,
            full_range: c.full_range != 0,
            chroma_location: c.chroma_location,
        }
    }

    pub(crate) fn to_c(self) -> ffi::mdvt_color {
        ffi::mdvt_color {
            matrix: self.matrix,
            primaries: self.primaries,
            transfer: self.transfer,
            full_range: self.full_range as i32,
            chroma_location: self.chroma_location,
            reserved: 0,
        }
    }
}

/// Pinhole intrinsics in pixels, for pictures of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Camera {
    pub width: i32,
    pub height: i32,
    pub fx: f64,
    pub fy: f64,
    pub cx: f64,
    pub cy: f64,
}

impl Camera {
    /// Square pixels, the principal point in the middle: `fx = width / (2 tan(xfov / 2))`.
    pub fn from_xfov(width: usize, height: usize, xfov_deg: f64) -> Camera {
        let focal = width as f64 / (2.0 * (xfov_deg.to_radians() / 2.0).tan());
        Camera {
            width: width as i32,
            height: height as i32,
            fx: focal,
            fy: focal,
            cx: width as f64 / 2.0,
            cy: height as f64 / 2.0,
        }
    }

    pub(crate) fn to_c(self) -> ffi::mdvt_camera {
        ffi::mdvt_camera {
            width: self.width,
            height: self.height,
            fx: self.fx,
            fy: self.fy,
            cx: self.cx,
            cy: self.cy,
        }
    }
}

/// The picture in another integer format, by the matrix and range that `color` states; where it says
/// nothing, BT.709 from 720 rows on, else BT.601, limited range for YUV and full range for RGB.
pub fn convert(from: ImageView<'_>, color: &Color, format: PixelFormat) -> Result<Image> {
    let mut to = Image::new(format, from.width(), from.height())?;
    let (color, target) = (color.to_c(), to.c_mut());
    // SAFETY: all three are valid, and `to` has the size of `from`.
    check(unsafe { ffi::mdvt_image_convert(&from.c, &color, &target) })?;
    Ok(to)
}
