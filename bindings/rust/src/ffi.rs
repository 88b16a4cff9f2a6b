// SPDX-License-Identifier: Apache-2.0
//! `mdvt.h` as it is. What each item means stands there; the names are the same.
//!
//! The safe interface above covers most of it. This module is for the rest.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_void};

pub const ABI_VERSION: i32 = 1;

/// Where a struct's fields lie, for the test that compares them with the C compiler's.
#[doc(hidden)]
pub struct Layout {
    pub name: &'static str,
    pub size: usize,
    pub fields: Vec<(&'static str, usize)>,
}

macro_rules! c_structs {
    ($($name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct $name { $(pub $field: $type,)* }
        )*

        #[doc(hidden)]
        pub fn layouts() -> Vec<Layout> {
            vec![$({
                let value = std::mem::MaybeUninit::<$name>::uninit();
                let base = value.as_ptr();
                Layout {
                    name: stringify!($name),
                    size: std::mem::size_of::<$name>(),
                    fields: vec![$((stringify!($field), unsafe {
                        std::ptr::addr_of!((*base).$field) as usize - base as usize
                    }),)*],
                }
            },)*]
        }
    };
}

macro_rules! c_constants {
    ($($name:ident = $value:expr,)*) => {
        $(pub const $name: i32 = $value;)*

        #[doc(hidden)]
        pub fn constants() -> Vec<(&'static str, i32)> {
            vec![$((stringify!($name), $value),)*]
        }
    };
}

macro_rules! c_handles {
    ($($name:ident)*) => {
        $(
            #[repr(C)]
            pub struct $name { _private: [u8; 0] }
        )*
    };
}

c_handles! { mdvt_reader mdvt_writer mdvt_renderer mdvt_model mdvt_stage mdvt_options mdvt_job }

c_constants! {
    MDVT_END = -1,
    MDVT_OK = 0,
    MDVT_INVALID_ARGUMENT = 1,
    MDVT_NOT_FOUND = 2,
    MDVT_CORRUPT = 3,
    MDVT_UNSUPPORTED = 4,
    MDVT_LIMIT = 5,
    MDVT_REFUSED = 6,
    MDVT_NOT_CONVERGED = 7,
    MDVT_IO = 8,
    MDVT_OUT_OF_MEMORY = 9,
    MDVT_CANCELLED = 10,
    MDVT_INTERNAL = 11,
    MDVT_LOG_DEBUG = 1,
    MDVT_LOG_INFO = 2,
    MDVT_LOG_WARNING = 3,
    MDVT_LOG_ERROR = 4,
    MDVT_STRUCT_LIMITS = 1,
    MDVT_STRUCT_FRAME = 2,
    MDVT_STRUCT_VIDEO_INFO = 3,
    MDVT_STRUCT_VIDEO_READER_OPTIONS = 4,
    MDVT_STRUCT_DEPTH_READER_OPTIONS = 5,
    MDVT_STRUCT_VIDEO_WRITER_OPTIONS = 6,
    MDVT_STRUCT_DEPTH_WRITER_OPTIONS = 7,
    MDVT_STRUCT_DEPTH_CODEC = 8,
    MDVT_STRUCT_STEREO_OPTIONS = 9,
    MDVT_STRUCT_FILL_OPTIONS = 10,
    MDVT_STRUCT_RENDERER_OPTIONS = 11,
    MDVT_STRUCT_EYE = 12,
    MDVT_STRUCT_MOTION_OPTIONS = 13,
    MDVT_STRUCT_MODEL_OPTIONS = 14,
    MDVT_STRUCT_MODEL_INFO = 15,
    MDVT_STRUCT_MODEL_DEPTH_OPTIONS = 16,
    MDVT_STRUCT_TOOL_INFO = 17,
    MDVT_STRUCT_OPTION_INFO = 18,
    MDVT_STRUCT_REPORT_FIELD_INFO = 19,
    MDVT_MODEL_GRAY = 1,
    MDVT_MODEL_YUV = 2,
    MDVT_MODEL_RGB = 3,
    MDVT_SAMPLE_U8 = 1,
    MDVT_SAMPLE_U16 = 2,
    MDVT_SAMPLE_F32 = 3,
    MDVT_QUANTITY_DEPTH = 1,
    MDVT_QUANTITY_DISPARITY = 2,
    MDVT_DEPTH_RGB16 = 1,
    MDVT_DEPTH_GRAY16 = 2,
    MDVT_DEPTH_RGB24_LOG = 3,
    MDVT_DEPTH_GRAY16_LEGACY = 4,
    MDVT_DEPTH_GRAY8 = 5,
    MDVT_CODEC_FFV1 = 1,
    MDVT_CODEC_H264 = 2,
    MDVT_CODEC_H264_RGB = 3,
    MDVT_STEREO_NONE = 1,
    MDVT_STEREO_SIDE_BY_SIDE = 2,
    MDVT_EDGES_TEAR = 1,
    MDVT_EDGES_STRETCH = 2,
    MDVT_FILL_BACKGROUND = 1,
    MDVT_FILL_BLACK = 2,
    MDVT_MASK_DIRECTIONS = 1,
    MDVT_MASK_GREEN = 2,
    MDVT_PRECISION_FP32 = 1,
    MDVT_PRECISION_FP16 = 2,
    MDVT_PRECISION_BF16_CPU_ENCODER = 3,
    MDVT_PROCESSING_AUTO = 0,
    MDVT_PROCESSING_HOST = 1,
    MDVT_PROCESSING_DEVICE = 2,
    MDVT_MOTION_MEASURED = 1,
    MDVT_MOTION_CARRIED = 2,
    MDVT_MOTION_NO_TRANSLATION = 3,
    MDVT_MOTION_LOST = 4,
    MDVT_OPTION_FLAG = 1,
    MDVT_OPTION_INTEGER = 2,
    MDVT_OPTION_NUMBER = 3,
    MDVT_OPTION_TEXT = 4,
    MDVT_OPTION_CHOICE = 5,
    MDVT_PATH_INPUT = 1,
    MDVT_PATH_OUTPUT = 2,
    MDVT_PATH_FOLDER = 3,
}

c_structs! {
    mdvt_limits {
        struct_size: u32,
        max_side: i32,
        max_pixels_per_frame: i64,
        max_frames: i64,
        max_track_points: i64,
        max_text_bytes: i64,
        max_frame_buffer_bytes: i64,
        max_streams: i32,
        max_json_depth: i32,
    }
    mdvt_pixel_format {
        model: u8,
        sample_type: u8,
        bits: u8,
        chroma_shift_x: u8,
        chroma_shift_y: u8,
        reserved: [u8; 3],
    }
    mdvt_image {
        format: mdvt_pixel_format,
        width: i32,
        height: i32,
        data: [*mut c_void; 4],
        stride: [i64; 4],
    }
    mdvt_rational {
        num: i64,
        den: i64,
    }
    mdvt_color {
        matrix: i32,
        primaries: i32,
        transfer: i32,
        full_range: i32,
        chroma_location: i32,
        reserved: i32,
    }
    mdvt_camera {
        width: i32,
        height: i32,
        fx: f64,
        fy: f64,
        cx: f64,
        cy: f64,
    }
    mdvt_frame {
        struct_size: u32,
        reserved: i32,
        image: mdvt_image,
        index: i64,
        pts: i64,
        duration: i64,
        confidence: mdvt_image,
        motion: i32,
        scene: i32,
        measured_share: f64,
        world_from_cam: [f64; 16],
        quantity: i32,
        starts_scene: i32,
    }
    mdvt_video_reader_options {
        struct_size: u32,
        num_threads: i32,
        limits: *const mdvt_limits,
        apply_rotation: i32,
        reserved: i32,
        format: mdvt_pixel_format,
    }
    mdvt_depth_reader_options {
        struct_size: u32,
        encoding: i32,
        max_depth: f64,
        limits: *const mdvt_limits,
        num_threads: i32,
        allow_damaged: i32,
        allow_range: i32,
        reserved: i32,
    }
    mdvt_tag {
        key: *const c_char,
        value: *const c_char,
    }
    mdvt_video_info {
        struct_size: u32,
        width: i32,
        height: i32,
        rotation_deg: i32,
        format: mdvt_pixel_format,
        color: mdvt_color,
        sample_aspect: mdvt_rational,
        time_base: mdvt_rational,
        frame_rate: mdvt_rational,
        start_pts: i64,
        estimated_frames: i64,
        container: *const c_char,
        codec: *const c_char,
        codec_format: *const c_char,
        tags: *const mdvt_tag,
        num_tags: i32,
        lossless: i32,
        has_audio: i32,
        mirrored: i32,
        depth_encoding: i32,
        reserved: i32,
        depth_max: f64,
        depth_log_offset: f64,
        xfov_deg: f64,
        yfov_deg: f64,
    }
    mdvt_video_writer_options {
        struct_size: u32,
        codec: i32,
        time_base: mdvt_rational,
        frame_rate: mdvt_rational,
        sample_aspect: mdvt_rational,
        color: mdvt_color,
        stereo: i32,
        num_tags: i32,
        tags: *const mdvt_tag,
        copy_streams_from: *const c_char,
        preset: *const c_char,
        crf: i32,
        num_threads: i32,
        overwrite: i32,
        reserved: i32,
    }
    mdvt_depth_codec {
        struct_size: u32,
        encoding: i32,
        max_depth: f64,
        log_offset: f64,
        truncate: i32,
        reserved: i32,
    }
    mdvt_depth_writer_options {
        struct_size: u32,
        num_threads: i32,
        codec: *const mdvt_depth_codec,
        video: *const mdvt_video_writer_options,
        xfov_deg: f64,
        yfov_deg: f64,
        camera: *const mdvt_camera,
        source: *const c_char,
        source_frames: i64,
        write_sidecar: i32,
        reserved: i32,
    }
    mdvt_stereo_options {
        struct_size: u32,
        edges: i32,
        baseline: f64,
        tear_disparity: f64,
        tear_depth: f64,
    }
    mdvt_fill_options {
        struct_size: u32,
        rim: i32,
    }
    mdvt_renderer_options {
        struct_size: u32,
        num_threads: i32,
        stereo: *const mdvt_stereo_options,
        fill_options: *const mdvt_fill_options,
        fill: i32,
        mask_style: i32,
        color: mdvt_color,
    }
    mdvt_eye {
        struct_size: u32,
        reserved: i32,
        image: mdvt_image,
        depth: mdvt_image,
        mask: mdvt_image,
    }
    mdvt_model_options {
        struct_size: u32,
        num_threads: i32,
        limits: *const mdvt_limits,
        backend: *const c_char,
        device: *const c_char,
        precision: i32,
        deterministic: i32,
        channels_last: i32,
        profiling_executor: i32,
        optimize: i32,
        self_test: i32,
        allow_unlisted: i32,
        processing: i32,
        manifest: *const c_char,
        sha256: *const c_char,
        max_run_seconds: f64,
    }
    mdvt_model_info {
        struct_size: u32,
        batch_max: i32,
        name: *const c_char,
        kind: *const c_char,
        license: *const c_char,
        upstream: *const c_char,
        sha256: *const c_char,
        backend: *const c_char,
        relative: i32,
        metric: i32,
        num_inputs: i32,
        num_outputs: i32,
        has_self_test: i32,
        reserved: i32,
    }
    mdvt_motion_options {
        struct_size: u32,
        num_threads: i32,
        camera: mdvt_camera,
        xfovs_deg: *const f64,
        num_xfovs: i64,
        scene_scale: f64,
        working_side: i32,
        lookahead: i32,
    }
    mdvt_model_depth_options {
        struct_size: u32,
        num_threads: i32,
        camera: mdvt_camera,
        input_size: i32,
        batch: i32,
        side_by_side: i32,
        reserved: i32,
        disparity_scale: f64,
        disparity_shift: f64,
        median_depth: f64,
    }
    mdvt_tool_info {
        struct_size: u32,
        reserved: i32,
        name: *const c_char,
        purpose: *const c_char,
        example: *const c_char,
    }
    mdvt_option_info {
        struct_size: u32,
        kind: i32,
        name: *const c_char,
        unit: *const c_char,
        help: *const c_char,
        section: *const c_char,
        valid: *const c_char,
        default_text: *const c_char,
        low: f64,
        high: f64,
        also: f64,
        also_means: *const c_char,
        without_low: i32,
        without_high: i32,
        path: i32,
        takes_list: i32,
        required: i32,
        optional: i32,
        num_choices: i32,
        num_aliases: i32,
        choices: *const *const c_char,
        aliases: *const *const c_char,
    }
    mdvt_report_field_info {
        struct_size: u32,
        kind: i32,
        name: *const c_char,
        help: *const c_char,
    }
    mdvt_progress {
        struct_size: u32,
        reserved: i32,
        frames_done: i64,
        frames_total: i64,
        seconds: f64,
        frames_per_second: f64,
        phase: *const c_char,
    }
}

pub type mdvt_log_fn = unsafe extern "C" fn(user: *mut c_void, level: i32, text: *const c_char);
pub type mdvt_progress_fn =
    unsafe extern "C" fn(user: *mut c_void, progress: *const mdvt_progress) -> i32;

extern "C" {
    pub fn mdvt_abi_version() -> i32;
    pub fn mdvt_version() -> *const c_char;
    pub fn mdvt_last_error() -> *const c_char;
    pub fn mdvt_set_log_sink(sink: Option<mdvt_log_fn>, user: *mut c_void) -> i32;
    pub fn mdvt_struct_init(struct_id: i32, value: *mut c_void, struct_size: u32) -> i32;
    pub fn mdvt_image_convert(
        from: *const mdvt_image,
        color: *const mdvt_color,
        to: *const mdvt_image,
    ) -> i32;

    pub fn mdvt_video_reader_open(
        path: *const c_char,
        options: *const mdvt_video_reader_options,
        reader: *mut *mut mdvt_reader,
    ) -> i32;
    pub fn mdvt_depth_reader_open(
        path: *const c_char,
        options: *const mdvt_depth_reader_options,
        reader: *mut *mut mdvt_reader,
    ) -> i32;
    pub fn mdvt_reader_info(reader: *const mdvt_reader, info: *mut mdvt_video_info) -> i32;
    pub fn mdvt_reader_read(reader: *mut mdvt_reader, frame: *mut mdvt_frame) -> i32;
    pub fn mdvt_reader_close(reader: *mut mdvt_reader);

    pub fn mdvt_video_writer_open(
        path: *const c_char,
        format: *const mdvt_pixel_format,
        width: i32,
        height: i32,
        options: *const mdvt_video_writer_options,
        writer: *mut *mut mdvt_writer,
    ) -> i32;
    pub fn mdvt_depth_writer_open(
        path: *const c_char,
        width: i32,
        height: i32,
        options: *const mdvt_depth_writer_options,
        writer: *mut *mut mdvt_writer,
    ) -> i32;
    pub fn mdvt_writer_write(writer: *mut mdvt_writer, frame: *const mdvt_frame) -> i32;
    pub fn mdvt_writer_finish(writer: *mut mdvt_writer) -> i32;
    pub fn mdvt_writer_close(writer: *mut mdvt_writer);

    pub fn mdvt_depth_encode(
        codec: *const mdvt_depth_codec,
        depth: *const mdvt_image,
        encoded: *const mdvt_image,
    ) -> i32;
    pub fn mdvt_depth_decode(
        codec: *const mdvt_depth_codec,
        encoded: *const mdvt_image,
        depth: *const mdvt_image,
    ) -> i32;

    pub fn mdvt_renderer_create(
        options: *const mdvt_renderer_options,
        renderer: *mut *mut mdvt_renderer,
    ) -> i32;
    pub fn mdvt_renderer_render(
        renderer: *mut mdvt_renderer,
        color: *const mdvt_image,
        depth: *const mdvt_image,
        camera: *const mdvt_camera,
        convergence: f64,
        left: *const mdvt_eye,
        right: *const mdvt_eye,
    ) -> i32;
    pub fn mdvt_renderer_destroy(renderer: *mut mdvt_renderer);
    pub fn mdvt_fill_holes(
        mask: *const mdvt_image,
        options: *const mdvt_fill_options,
        image: *const mdvt_image,
    ) -> i32;

    pub fn mdvt_model_open(
        path: *const c_char,
        options: *const mdvt_model_options,
        model: *mut *mut mdvt_model,
    ) -> i32;
    pub fn mdvt_model_info_get(model: *const mdvt_model, info: *mut mdvt_model_info) -> i32;
    pub fn mdvt_model_self_test(model: *const mdvt_model) -> i32;
    pub fn mdvt_model_close(model: *mut mdvt_model);
    pub fn mdvt_backend_register(backend: *const c_void) -> i32;
    pub fn mdvt_backend_add_folder(folder: *const c_char) -> i32;

    pub fn mdvt_motion_create(
        options: *const mdvt_motion_options,
        stage: *mut *mut mdvt_stage,
    ) -> i32;
    pub fn mdvt_model_depth_create(
        model: *const mdvt_model,
        options: *const mdvt_model_depth_options,
        stage: *mut *mut mdvt_stage,
    ) -> i32;
    pub fn mdvt_stage_push(stage: *mut mdvt_stage, frame: *const mdvt_frame) -> i32;
    pub fn mdvt_stage_pop(stage: *mut mdvt_stage, frame: *mut mdvt_frame) -> i32;
    pub fn mdvt_stage_destroy(stage: *mut mdvt_stage);

    pub fn mdvt_tool_count() -> i32;
    pub fn mdvt_tool_info_get(index: i32, info: *mut mdvt_tool_info) -> i32;
    pub fn mdvt_options_new(tool: *const c_char, options: *mut *mut mdvt_options) -> i32;
    pub fn mdvt_options_from_json(json: *const c_char, options: *mut *mut mdvt_options) -> i32;
    pub fn mdvt_options_to_json(
        options: *mut mdvt_options,
        only_given: i32,
        json: *mut *const c_char,
    ) -> i32;
    pub fn mdvt_options_free(options: *mut mdvt_options);
    pub fn mdvt_options_set_flag(
        options: *mut mdvt_options,
        name: *const c_char,
        value: i32,
    ) -> i32;
    pub fn mdvt_options_set_integer(
        options: *mut mdvt_options,
        name: *const c_char,
        value: i64,
    ) -> i32;
    pub fn mdvt_options_set_number(
        options: *mut mdvt_options,
        name: *const c_char,
        value: f64,
    ) -> i32;
    pub fn mdvt_options_set_text(
        options: *mut mdvt_options,
        name: *const c_char,
        value: *const c_char,
    ) -> i32;
    pub fn mdvt_options_unset(options: *mut mdvt_options, name: *const c_char) -> i32;
    pub fn mdvt_options_get_flag(
        options: *const mdvt_options,
        name: *const c_char,
        value: *mut i32,
    ) -> i32;
    pub fn mdvt_options_get_integer(
        options: *const mdvt_options,
        name: *const c_char,
        value: *mut i64,
    ) -> i32;
    pub fn mdvt_options_get_number(
        options: *const mdvt_options,
        name: *const c_char,
        value: *mut f64,
    ) -> i32;
    pub fn mdvt_options_get_text(
        options: *mut mdvt_options,
        name: *const c_char,
        value: *mut *const c_char,
    ) -> i32;
    pub fn mdvt_options_was_given(
        options: *const mdvt_options,
        name: *const c_char,
        given: *mut i32,
    ) -> i32;
    pub fn mdvt_options_use_model(options: *mut mdvt_options, model: *const mdvt_model) -> i32;
    pub fn mdvt_options_use_limits(options: *mut mdvt_options, limits: *const mdvt_limits) -> i32;
    pub fn mdvt_options_check(options: *const mdvt_options) -> i32;
    pub fn mdvt_option_count(options: *const mdvt_options, count: *mut i32) -> i32;
    pub fn mdvt_option_info_get(
        options: *const mdvt_options,
        index: i32,
        info: *mut mdvt_option_info,
    ) -> i32;
    pub fn mdvt_report_field_count(options: *const mdvt_options, count: *mut i32) -> i32;
    pub fn mdvt_report_field_info_get(
        options: *const mdvt_options,
        index: i32,
        info: *mut mdvt_report_field_info,
    ) -> i32;

    pub fn mdvt_job_create(options: *const mdvt_options, job: *mut *mut mdvt_job) -> i32;
    pub fn mdvt_job_run(
        job: *mut mdvt_job,
        on_progress: Option<mdvt_progress_fn>,
        user: *mut c_void,
    ) -> i32;
    pub fn mdvt_job_cancel(job: *mut mdvt_job) -> i32;
    pub fn mdvt_job_frames(job: *const mdvt_job, frames: *mut i64) -> i32;
    pub fn mdvt_job_summary(job: *const mdvt_job, summary: *mut *const c_char) -> i32;
    pub fn mdvt_job_output_count(job: *const mdvt_job, count: *mut i32) -> i32;
    pub fn mdvt_job_output(job: *const mdvt_job, index: i32, path: *mut *const c_char) -> i32;
    pub fn mdvt_job_report_flag(job: *const mdvt_job, name: *const c_char, value: *mut i32) -> i32;
    pub fn mdvt_job_report_integer(
        job: *const mdvt_job,
        name: *const c_char,
        value: *mut i64,
    ) -> i32;
    pub fn mdvt_job_report_number(
        job: *const mdvt_job,
        name: *const c_char,
        value: *mut f64,
    ) -> i32;
    pub fn mdvt_job_report_text(
        job: *const mdvt_job,
        name: *const c_char,
        value: *mut *const c_char,
    ) -> i32;
    pub fn mdvt_job_destroy(job: *mut mdvt_job);
}
