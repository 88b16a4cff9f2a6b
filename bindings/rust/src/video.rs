// SPDX-License-Identifier: Apache-2.0
use crate::error::{
    c_path, c_text, check, check_value, handle, optional_c_text, pointer, text, Defaults, Error,
    Result,
};
use crate::ffi;
use crate::image::{Camera, Color, Image, ImageView, Limits, PixelFormat};
use std::ffi::CString;
use std::path::Path;

/// A fraction, of a second for example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rational {
    pub num: i64,
    pub den: i64,
}

impl Rational {
    /// `num / den`.
    pub const fn new(num: i64, den: i64) -> Rational {
        Rational { num, den }
    }

    fn from_c(c: ffi::mdvt_rational) -> Rational {
        Rational::new(c.num, c.den)
    }

    fn to_c(self) -> ffi::mdvt_rational {
        ffi::mdvt_rational {
            num: self.num,
            den: self.den,
        }
    }
}

macro_rules! c_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $value:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            #[allow(dead_code)]
            pub(crate) fn to_c(self) -> i32 {
                match self { $($name::$variant => crate::ffi::$value,)* }
            }
            #[allow(dead_code)]
            pub(crate) fn from_c(value: i32) -> Option<$name> {
                match value { $(crate::ffi::$value => Some($name::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use c_enum;

c_enum! {
    /// How depth becomes integer samples of a video.
    DepthEncoding {
        /// RGB of 8 bits: red and green hold the high byte, blue the low one.
        Rgb16 = MDVT_DEPTH_RGB16,
        /// Gray of 16 bits, linear.
        Gray16 = MDVT_DEPTH_GRAY16,
        /// RGB of 8 bits, a logarithmic code of 24 bits.
        Rgb24Log = MDVT_DEPTH_RGB24_LOG,
        /// Gray of 16 bits whose top code is 65025.
        Gray16Legacy = MDVT_DEPTH_GRAY16_LEGACY,
        /// Gray of 8 bits, for looking at.
        Gray8 = MDVT_DEPTH_GRAY8,
    }
}

c_enum! {
    /// What the numbers of an estimate are.
    Quantity {
        /// Metres, 0 where nothing is known.
        Depth = MDVT_QUANTITY_DEPTH,
        /// Larger is nearer, scale and zero are not known; NaN where nothing is known.
        Disparity = MDVT_QUANTITY_DISPARITY,
    }
}

c_enum! {
    /// Where a frame's depth from motion comes from.
    MotionStatus {
        /// The camera's translation.
        Measured = MDVT_MOTION_MEASURED,
        /// Carried along from measured frames before.
        Carried = MDVT_MOTION_CARRIED,
        /// The camera turned or stood still: depth is a guess.
        NoTranslation = MDVT_MOTION_NO_TRANSLATION,
        /// Nothing could be followed: depth is a guess.
        Lost = MDVT_MOTION_LOST,
    }
}

/// How a video is read.
#[derive(Clone, Debug)]
pub struct VideoReaderOptions {
    /// Of the decoder; 0: one per core.
    pub num_threads: i32,
    /// What the file may cost.
    pub limits: Limits,
    /// Turn frames upright.
    pub apply_rotation: bool,
    /// Convert frames to this; `None`: as in the file.
    pub format: Option<PixelFormat>,
}

impl Default for VideoReaderOptions {
    fn default() -> Self {
        let c = ffi::mdvt_video_reader_options::defaults();
        VideoReaderOptions {
            num_threads: c.num_threads,
            limits: Limits::default(),
            apply_rotation: c.apply_rotation != 0,
            format: None,
        }
    }
}

/// How a depth video is read.
#[derive(Clone, Debug)]
pub struct DepthReaderOptions {
    /// `None`: what the file says, else [`DepthEncoding::Rgb16`] with a warning.
    pub encoding: Option<DepthEncoding>,
    /// Metres; `None`: what the file says, else 100 with a warning.
    pub max_depth: Option<f64>,
    /// What the file may cost.
    pub limits: Limits,
    /// Of decoder and unpacking; 0: one per core.
    pub num_threads: i32,
    /// Read files whose pixels lossy coding has changed.
    pub allow_damaged: bool,
    /// Read files of distances along the ray.
    pub allow_range: bool,
}

impl Default for DepthReaderOptions {
    fn default() -> Self {
        let c = ffi::mdvt_depth_reader_options::defaults();
        DepthReaderOptions {
            encoding: None,
            max_depth: None,
            limits: Limits::default(),
            num_threads: c.num_threads,
            allow_damaged: c.allow_damaged != 0,
            allow_range: c.allow_range != 0,
        }
    }
}

/// What a file says of itself.
#[derive(Clone, Debug)]
pub struct VideoInfo {
    /// Width of the upright picture in pixels.
    pub width: usize,
    /// Height of the upright picture in pixels.
    pub height: usize,
    /// Clockwise turn that has been applied: 0, 90, 180 or 270 degrees.
    pub rotation_deg: i32,
    /// The picture was mirrored left-right before it was turned.
    pub mirrored: bool,
    /// Of the frames.
    pub format: PixelFormat,
    /// Colour tags.
    pub color: Color,
    /// Width by height of a pixel.
    pub sample_aspect: Rational,
    /// Seconds in a unit of `pts`.
    pub time_base: Rational,
    /// Average, in frames a second; 0/1 if the file does not say.
    pub frame_rate: Rational,
    /// Of the first frame.
    pub start_pts: i64,
    /// For progress only; 0 if not known.
    pub estimated_frames: i64,
    /// FFmpeg's name of the container.
    pub container: String,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// FFmpeg's name of the pixel format in the file.
    pub codec_format: String,
    /// Tags of the file, keys in upper case.
    pub tags: Vec<(String, String)>,
    /// The codec as used here keeps every bit.
    pub lossless: bool,
    /// There is sound.
    pub has_audio: bool,
    /// Of a depth video.
    pub depth_encoding: Option<DepthEncoding>,
    /// Of a depth video, metres; else 0.
    pub depth_max: f64,
    /// As a depth video's tags say, degrees; else 0.
    pub xfov_deg: f64,
    /// As a depth video's tags say, degrees; else 0.
    pub yfov_deg: f64,
}

/// A picture with its time, and what a [`Stage`](crate::Stage) adds to it.
#[derive(Clone)]
pub struct Frame<'a> {
    /// The picture, or depth in metres.
    pub image: ImageView<'a>,
    /// Counted from 0.
    pub index: i64,
    /// Presentation time in units of the stream's time base.
    pub pts: i64,
    /// In the same units; 0 if not known.
    pub duration: i64,
    /// 0 is a guess, 255 is measured.
    pub confidence: Option<ImageView<'a>>,
    /// Of depth from motion.
    pub motion: Option<MotionStatus>,
    /// Counts the cuts before this frame.
    pub scene: i32,
    /// Of the pixels whose depth was measured, 0 to 1.
    pub measured_share: f64,
    /// Camera-to-world, metres; row by row. Scenes start at the identity. All 0: not known.
    pub world_from_cam: [[f64; 4]; 4],
    /// What the numbers of an estimate are.
    pub quantity: Option<Quantity>,
    /// The scale starts anew; nothing before compares with it.
    pub starts_scene: bool,
}

impl<'a> Frame<'a> {
    pub(crate) fn empty_c() -> ffi::mdvt_frame {
        ffi::mdvt_frame::defaults()
    }

    /// # Safety
    /// The pixels are valid for 'a.
    pub(crate) unsafe fn from_c(c: &ffi::mdvt_frame) -> Frame<'a> {
        let mut world_from_cam = [[0.0; 4]; 4];
        for (row, values) in world_from_cam
            .iter_mut()
            .zip(c.world_from_cam.chunks_exact(4))
        {
            row.copy_from_slice(values);
        }
        Frame {
            image: ImageView::from_c(c.image).expect("a frame has a picture"),
            index: c.index,
            pts: c.pts,
            duration: c.duration,
            confidence: ImageView::from_c(c.confidence),
            motion: MotionStatus::from_c(c.motion),
            scene: c.scene,
            measured_share: c.measured_share,
            world_from_cam,
            quantity: Quantity::from_c(c.quantity),
            starts_scene: c.starts_scene != 0,
        }
    }
}

handle!(ReaderHandle, mdvt_reader, mdvt_reader_close);

/// A file that gives frames: of a video in its own pixel format, of a depth video in metres.
pub struct Reader(ReaderHandle);

impl Reader {
    /// Matroska, WebM, MP4, MOV, AVI and MPEG transport stream files.
    pub fn open_video(path: impl AsRef<Path>, options: &VideoReaderOptions) -> Result<Reader> {
        let path = c_path(path.as_ref())?;
        let limits = options.limits.to_c();
        let mut c = ffi::mdvt_video_reader_options::defaults();
        c.num_threads = options.num_threads;
        c.limits = &limits;
        c.apply_rotation = options.apply_rotation as i32;
        if let Some(format) = options.format {
            c.format = format.0;
        }
        let mut reader = std::ptr::null_mut();
        // SAFETY: everything outlives the call.
        check(unsafe { ffi::mdvt_video_reader_open(path.as_ptr(), &c, &mut reader) })?;
        Ok(Reader(ReaderHandle(reader)))
    }

    /// Depth in metres. Fails with [`Code::Refused`](crate::Code::Refused) for what is no depth
    /// video, telling what to do.
    pub fn open_depth(path: impl AsRef<Path>, options: &DepthReaderOptions) -> Result<Reader> {
        let path = c_path(path.as_ref())?;
        let limits = options.limits.to_c();
        let mut c = ffi::mdvt_depth_reader_options::defaults();
        c.encoding = options.encoding.map_or(0, DepthEncoding::to_c);
        c.max_depth = options.max_depth.unwrap_or(0.0);
        c.limits = &limits;
        c.num_threads = options.num_threads;
        c.allow_damaged = options.allow_damaged as i32;
        c.allow_range = options.allow_range as i32;
        let mut reader = std::ptr::null_mut();
        // SAFETY: everything outlives the call.
        check(unsafe { ffi::mdvt_depth_reader_open(path.as_ptr(), &c, &mut reader) })?;
        Ok(Reader(ReaderHandle(reader)))
    }

    /// What the file says of itself.
    pub fn info(&self) -> Result<VideoInfo> {
        let mut c = ffi::mdvt_video_info::defaults();
        // SAFETY: the texts are copied before the reader can end.
        unsafe {
            check(ffi::mdvt_reader_info(self.0 .0, &mut c))?;
            let tags = (0..c.num_tags as usize)
                .map(|i| &*c.tags.add(i))
                .map(|tag| (text(tag.key), text(tag.value)))
                .collect();
            Ok(VideoInfo {
                width: c.width as usize,
                height: c.height as usize,
                rotation_deg: c.rotation_deg,
                mirrored: c.mirrored != 0,
                format: PixelFormat(c.format),
                color: Color::from_c(&c.color),
                sample_aspect: Rational::from_c(c.sample_aspect),
                time_base: Rational::from_c(c.time_base),
                frame_rate: Rational::from_c(c.frame_rate),
                start_pts: c.start_pts,
                estimated_frames: c.estimated_frames,
                container: text(c.container),
                codec: text(c.codec),
                codec_format: text(c.codec_format),
                tags,
                lossless: c.lossless != 0,
                has_audio: c.has_audio != 0,
                depth_encoding: DepthEncoding::from_c(c.depth_encoding),
                depth_max: c.depth_max,
                xfov_deg: c.xfov_deg,
                yfov_deg: c.yfov_deg,
            })
        }
    }

    /// The next frame in order of presentation; `None` behind the last. Its pixels are the reader's
    /// and last until the next call; [`ImageView::to_image`] keeps them.
    pub fn read(&mut self) -> Result<Option<Frame<'_>>> {
        let mut c = Frame::empty_c();
        // SAFETY: the frame borrows the reader, so that nothing reads on while it is there.
        unsafe {
            let found = check_value(ffi::mdvt_reader_read(self.0 .0, &mut c))?;
            Ok(found.then(|| Frame::from_c(&c)))
        }
    }
}

c_enum! {
    /// How a video is encoded.
    Codec {
        /// Lossless, `.mkv`, every integer format.
        Ffv1 = MDVT_CODEC_FFV1,
        /// `.mp4`, `.mov`, `.mkv`; YUV of 8 and 10 bits.
        H264 = MDVT_CODEC_H264,
        /// Lossless RGB of 8 bits: larger than FFV1, faster to write.
        H264Rgb = MDVT_CODEC_H264_RGB,
    }
}

c_enum! {
    /// What a file says about the eyes in its pictures.
    StereoLayout {
        /// One picture.
        None = MDVT_STEREO_NONE,
        /// The left half is the left eye's.
        SideBySide = MDVT_STEREO_SIDE_BY_SIDE,
    }
}

/// How a video is written.
#[derive(Clone, Debug)]
pub struct VideoWriterOptions {
    /// How it is encoded.
    pub codec: Codec,
    /// Seconds in a unit of the `pts` given.
    pub time_base: Rational,
    /// Frames a second, stated in the file; `None`: not stated.
    pub frame_rate: Option<Rational>,
    /// Width by height of a pixel.
    pub sample_aspect: Rational,
    /// Colour tags.
    pub color: Color,
    /// What the file says about the eyes.
    pub stereo: StereoLayout,
    /// More tags of the file.
    pub tags: Vec<(String, String)>,
    /// Copy sound, subtitles and chapters of this file.
    pub copy_streams_from: Option<String>,
    /// x264's preset; `None`: "veryfast".
    pub preset: Option<String>,
    /// Quality of H.264, 0 (lossless) to 51.
    pub crf: i32,
    /// Of the encoder; 0: one per core.
    pub num_threads: i32,
    /// Replace a file that exists.
    pub overwrite: bool,
}

impl Default for VideoWriterOptions {
    fn default() -> Self {
        let c = ffi::mdvt_video_writer_options::defaults();
        VideoWriterOptions {
            codec: Codec::from_c(c.codec).unwrap_or(Codec::Ffv1),
            time_base: Rational::from_c(c.time_base),
            frame_rate: None,
            sample_aspect: Rational::from_c(c.sample_aspect),
            color: Color::from_c(&c.color),
            stereo: StereoLayout::from_c(c.stereo).unwrap_or(StereoLayout::None),
            tags: Vec::new(),
            copy_streams_from: None,
            preset: None,
            crf: c.crf,
            num_threads: c.num_threads,
            overwrite: c.overwrite != 0,
        }
    }
}

/// The options as C takes them, with the memory that they point to.
struct CVideoWriterOptions {
    c: ffi::mdvt_video_writer_options,
    _texts: Vec<CString>,
    _tags: Vec<ffi::mdvt_tag>,
    _named: [Option<CString>; 2],
}

impl CVideoWriterOptions {
    fn new(options: &VideoWriterOptions) -> Result<CVideoWriterOptions> {
        let mut texts = Vec::new();
        let mut tags = Vec::new();
        for (key, value) in &options.tags {
            let (key, value) = (c_text(key.as_str())?, c_text(value.as_str())?);
            tags.push(ffi::mdvt_tag {
                key: key.as_ptr(),
                value: value.as_ptr(),
            });
            texts.extend([key, value]);
        }
        let named = [
            optional_c_text(&options.copy_streams_from)?,
            optional_c_text(&options.preset)?,
        ];
        let mut c = ffi::mdvt_video_writer_options::defaults();
        c.codec = options.codec.to_c();
        c.time_base = options.time_base.to_c();
        if let Some(rate) = options.frame_rate {
            c.frame_rate = rate.to_c();
        }
        c.sample_aspect = options.sample_aspect.to_c();
        c.color = options.color.to_c();
        c.stereo = options.stereo.to_c();
        c.num_tags = tags.len() as i32;
        c.tags = tags.as_ptr();
        c.copy_streams_from = pointer(&named[0]);
        c.preset = pointer(&named[1]);
        c.crf = options.crf;
        c.num_threads = options.num_threads;
        c.overwrite = options.overwrite as i32;
        Ok(CVideoWriterOptions {
            c,
            _texts: texts,
            _tags: tags,
            _named: named,
        })
    }
}

/// How depth becomes integer samples.
#[derive(Clone, Debug)]
pub struct DepthCodec {
    /// The code.
    pub encoding: DepthEncoding,
    /// Metres; values past it become the top code.
    pub max_depth: f64,
    /// Metres, of [`DepthEncoding::Rgb24Log`].
    pub log_offset: f64,
    /// Round [`DepthEncoding::Rgb16`] down as the original toolbox does, not to the nearest code.
    pub truncate: bool,
}

impl Default for DepthCodec {
    fn default() -> Self {
        let c = ffi::mdvt_depth_codec::defaults();
        DepthCodec {
            encoding: DepthEncoding::from_c(c.encoding).unwrap_or(DepthEncoding::Rgb16),
            max_depth: c.max_depth,
            log_offset: c.log_offset,
            truncate: c.truncate != 0,
        }
    }
}

impl DepthCodec {
    fn to_c(&self) -> ffi::mdvt_depth_codec {
        let mut c = ffi::mdvt_depth_codec::defaults();
        c.encoding = self.encoding.to_c();
        c.max_depth = self.max_depth;
        c.log_offset = self.log_offset;
        c.truncate = self.truncate as i32;
        c
    }

    /// The format of the encoded picture.
    pub fn format(&self) -> PixelFormat {
        match self.encoding {
            DepthEncoding::Rgb16 | DepthEncoding::Rgb24Log => PixelFormat::rgb(8),
            DepthEncoding::Gray16 | DepthEncoding::Gray16Legacy => PixelFormat::gray(16),
            DepthEncoding::Gray8 => PixelFormat::gray(8),
        }
    }
}

/// Depth in metres as integer samples.
pub fn encode_depth(codec: &DepthCodec, depth: ImageView<'_>) -> Result<Image> {
    let mut encoded = Image::new(codec.format(), depth.width(), depth.height())?;
    let target = encoded.c_mut();
    // SAFETY: both pictures have the same size.
    check(unsafe { ffi::mdvt_depth_encode(&codec.to_c(), &depth.c, &target) })?;
    Ok(encoded)
}

/// Integer samples as depth in metres.
pub fn decode_depth(codec: &DepthCodec, encoded: ImageView<'_>) -> Result<Image> {
    let mut depth = Image::new(PixelFormat::DEPTH, encoded.width(), encoded.height())?;
    let target = depth.c_mut();
    // SAFETY: both pictures have the same size.
    check(unsafe { ffi::mdvt_depth_decode(&codec.to_c(), &encoded.c, &target) })?;
    Ok(depth)
}

/// How a depth video is written.
#[derive(Clone, Debug, Default)]
pub struct DepthWriterOptions {
    /// Of packing; 0: one per core.
    pub num_threads: i32,
    /// How depth becomes samples.
    pub codec: DepthCodec,
    /// How the samples become a video.
    pub video: VideoWriterOptions,
    /// Field of view in degrees, written into the file.
    pub xfov_deg: Option<f64>,
    /// Field of view in degrees, written into the file.
    pub yfov_deg: Option<f64>,
    /// Intrinsics for the size of the video, written into the file.
    pub camera: Option<Camera>,
    /// Name of the colour video, written into the file.
    pub source: Option<String>,
    /// Write the tags as `<path>.mdvt.json` too.
    pub write_sidecar: bool,
}

handle!(WriterHandle, mdvt_writer, mdvt_writer_close);

/// A file that appears under its name only when it is whole: at [`finish`](Writer::finish). Dropped
/// before that, nothing is left of it.
pub struct Writer(WriterHandle);

impl Writer {
    /// A video of pictures of this format and size.
    pub fn create_video(
        path: impl AsRef<Path>,
        format: PixelFormat,
        width: usize,
        height: usize,
        options: &VideoWriterOptions,
    ) -> Result<Writer> {
        let path = c_path(path.as_ref())?;
        let (width, height) = (side(width)?, side(height)?);
        let options = CVideoWriterOptions::new(options)?;
        let mut writer = std::ptr::null_mut();
        // SAFETY: everything outlives the call.
        check(unsafe {
            ffi::mdvt_video_writer_open(
                path.as_ptr(),
                &format.0,
                width,
                height,
                &options.c,
                &mut writer,
            )
        })?;
        Ok(Writer(WriterHandle(writer)))
    }

    /// A depth video; takes pictures of [`PixelFormat::DEPTH`].
    pub fn create_depth(
        path: impl AsRef<Path>,
        width: usize,
        height: usize,
        options: &DepthWriterOptions,
    ) -> Result<Writer> {
        let path = c_path(path.as_ref())?;
        let (width, height) = (side(width)?, side(height)?);
        let video = CVideoWriterOptions::new(&options.video)?;
        let codec = options.codec.to_c();
        let camera = options.camera.map(Camera::to_c);
        let source = optional_c_text(&options.source)?;
        let mut c = ffi::mdvt_depth_writer_options::defaults();
        c.num_threads = options.num_threads;
        c.codec = &codec;
        c.video = &video.c;
        c.xfov_deg = options.xfov_deg.unwrap_or(0.0);
        c.yfov_deg = options.yfov_deg.unwrap_or(0.0);
        c.camera = camera.as_ref().map_or(std::ptr::null(), |camera| camera);
        c.source = pointer(&source);
        c.write_sidecar = options.write_sidecar as i32;
        let mut writer = std::ptr::null_mut();
        // SAFETY: everything outlives the call.
        check(unsafe {
            ffi::mdvt_depth_writer_open(path.as_ptr(), width, height, &c, &mut writer)
        })?;
        Ok(Writer(WriterHandle(writer)))
    }

    /// The next frame. `pts` and `duration` are in units of the time base; `pts` must increase.
    pub fn write(&mut self, image: ImageView<'_>, pts: i64, duration: i64) -> Result<()> {
        let mut frame = Frame::empty_c();
        frame.image = image.c;
        frame.pts = pts;
        frame.duration = duration;
        // SAFETY: the pixels are only read, during the call.
        check(unsafe { ffi::mdvt_writer_write(self.0 .0, &frame) })
    }

    /// Completes the file and gives it its name. After a failure there is under the name what was
    /// there before.
    pub fn finish(self) -> Result<()> {
        // SAFETY: the handle ends behind this call.
        check(unsafe { ffi::mdvt_writer_finish(self.0 .0) })
    }
}

fn side(pixels: usize) -> Result<i32> {
    i32::try_from(pixels).map_err(|_| Error {
        code: crate::Code::InvalidArgument,
        message: format!("a side of {pixels} pixels is too long"),
    })
}
