// SPDX-License-Identifier: Apache-2.0
use crate::error::{
    c_path, check, check_value, handle, optional_c_text, pointer, text, Defaults, Result,
};
use crate::ffi;
use crate::image::{Camera, ImageView, Limits};
use crate::video::{c_enum, Frame};
use std::path::Path;

c_enum! {
    /// Numbers that a network computes with.
    Precision {
        /// 32 bits.
        Fp32 = MDVT_PRECISION_FP32,
        /// 16 bits, on CUDA devices.
        Fp16 = MDVT_PRECISION_FP16,
        /// The encoder in bfloat16, on CPUs with AVX512_BF16 or AMX.
        Bf16CpuEncoder = MDVT_PRECISION_BF16_CPU_ENCODER,
    }
}

c_enum! {
    /// Where pictures are made ready for networks of depth, and their maps turned into depth.
    Processing {
        /// On the device if that is not the CPU and the backend can.
        Auto = MDVT_PROCESSING_AUTO,
        /// By mdvt: the same bits for every number of threads.
        Host = MDVT_PROCESSING_HOST,
        /// On the device of the network: equal but for rounding.
        Device = MDVT_PROCESSING_DEVICE,
    }
}

/// How a network's file is opened and run.
#[derive(Clone, Debug)]
pub struct ModelOptions {
    /// Of one forward pass; 0: one per core.
    pub num_threads: i32,
    /// Of metadata, manifest and tensors.
    pub limits: Limits,
    /// "torch", "onnxruntime"; `None`: the one that takes the file's ending.
    pub backend: Option<String>,
    /// "cuda", "cuda:1"; `None`: "cpu".
    pub device: Option<String>,
    /// One that the metadata names.
    pub precision: Precision,
    /// Equal bits at any number of threads, one thread per pass.
    pub deterministic: bool,
    /// Convolutional networks run up to a fifth faster.
    pub channels_last: bool,
    /// LibTorch on the CPU keeps its profiling executor, at twice the memory.
    pub profiling_executor: bool,
    /// Optimise while opening.
    pub optimize: bool,
    /// Fail with [`Code::Corrupt`](crate::Code::Corrupt) unless the self-test passes.
    pub self_test: bool,
    /// The caller vouches for files that no manifest lists.
    pub allow_unlisted: bool,
    /// Where the work beside the network is done.
    pub processing: Processing,
    /// List of hashes; `None`: `manifest.json` beside the model, if it is there.
    pub manifest: Option<String>,
    /// The hash that the file must have, 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Fail with [`Code::Limit`](crate::Code::Limit) when a pass took longer; `None`: as long as it
    /// takes.
    pub max_run_seconds: Option<f64>,
}

impl Default for ModelOptions {
    fn default() -> Self {
        let c = ffi::mdvt_model_options::defaults();
        ModelOptions {
            num_threads: c.num_threads,
            limits: Limits::default(),
            backend: None,
            device: None,
            precision: Precision::from_c(c.precision).unwrap_or(Precision::Fp32),
            deterministic: c.deterministic != 0,
            channels_last: c.channels_last != 0,
            profiling_executor: c.profiling_executor != 0,
            optimize: c.optimize != 0,
            self_test: c.self_test != 0,
            allow_unlisted: c.allow_unlisted != 0,
            processing: Processing::from_c(c.processing).unwrap_or(Processing::Auto),
            manifest: None,
            sha256: None,
            max_run_seconds: None,
        }
    }
}

/// What a network's file says of itself; texts are "" where it says nothing.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// As the metadata has it.
    pub name: String,
    /// "depth", "depth_video", "track", "flow", "segment" or "infill_part".
    pub kind: String,
    /// Of the weights.
    pub license: String,
    /// Where the weights come from.
    pub upstream: String,
    /// Of the file, 64 digits in lower case.
    pub sha256: String,
    /// That runs it.
    pub backend: String,
    /// Pictures of one forward pass.
    pub batch_max: i32,
    /// Scale or shift of the depth is unknown.
    pub relative: bool,
    /// The depth is in metres.
    pub metric: bool,
    /// Tensors that go in.
    pub num_inputs: i32,
    /// Tensors that come out.
    pub num_outputs: i32,
    /// The metadata has figures for [`Model::self_test`].
    pub has_self_test: bool,
}

handle!(ModelHandle, mdvt_model, mdvt_model_close);
// SAFETY: a model may be used by several threads at once.
unsafe impl Sync for ModelHandle {}

/// A network in a file. It is a program: what is opened is decided by its SHA-256.
pub struct Model(pub(crate) ModelHandle);

impl Model {
    /// Fails with [`Code::Refused`](crate::Code::Refused) for a hash that differs or is not listed.
    pub fn open(path: impl AsRef<Path>, options: &ModelOptions) -> Result<Model> {
        let path = c_path(path.as_ref())?;
        let limits = options.limits.to_c();
        let backend = optional_c_text(&options.backend)?;
        let device = optional_c_text(&options.device)?;
        let manifest = optional_c_text(&options.manifest)?;
        let sha256 = optional_c_text(&options.sha256)?;
        let mut c = ffi::mdvt_model_options::defaults();
        c.num_threads = options.num_threads;
        c.limits = &limits;
        c.backend = pointer(&backend);
        c.device = pointer(&device);
        c.precision = options.precision.to_c();
        c.deterministic = options.deterministic as i32;
        c.channels_last = options.channels_last as i32;
        c.profiling_executor = options.profiling_executor as i32;
        c.optimize = options.optimize as i32;
        c.self_test = options.self_test as i32;
        c.allow_unlisted = options.allow_unlisted as i32;
        c.processing = options.processing.to_c();
        c.manifest = pointer(&manifest);
        c.sha256 = pointer(&sha256);
        c.max_run_seconds = options.max_run_seconds.unwrap_or(0.0);
        let mut model = std::ptr::null_mut();
        // SAFETY: everything outlives the call.
        check(unsafe { ffi::mdvt_model_open(path.as_ptr(), &c, &mut model) })?;
        Ok(Model(ModelHandle(model)))
    }

    /// What the file says of itself.
    pub fn info(&self) -> Result<ModelInfo> {
        let mut c = ffi::mdvt_model_info::defaults();
        // SAFETY: the texts are copied before the model can end.
        unsafe {
            check(ffi::mdvt_model_info_get(self.0 .0, &mut c))?;
            Ok(ModelInfo {
                name: text(c.name),
                kind: text(c.kind),
                license: text(c.license),
                upstream: text(c.upstream),
                sha256: text(c.sha256),
                backend: text(c.backend),
                batch_max: c.batch_max,
                relative: c.relative != 0,
                metric: c.metric != 0,
                num_inputs: c.num_inputs,
                num_outputs: c.num_outputs,
                has_self_test: c.has_self_test != 0,
            })
        }
    }

    /// Runs the network on the input of the metadata's check and compares.
    pub fn self_test(&self) -> Result<()> {
        // SAFETY: the model is open.
        check(unsafe { ffi::mdvt_model_self_test(self.0 .0) })
    }
}

/// Depth from the camera's own motion.
#[derive(Clone, Debug)]
pub struct MotionOptions {
    /// 0: one per core. Never changes results.
    pub num_threads: i32,
    /// Field of view per frame in degrees, its last value holds on; empty: the camera never zooms.
    pub xfovs_deg: Vec<f64>,
    /// Median depth of the clip's first measured frame, metres.
    pub scene_scale: f64,
    /// Long side of the pictures that are measured, [64, 4096].
    pub working_side: i32,
    /// Frames looked ahead, [2, 64].
    pub lookahead: i32,
}

impl Default for MotionOptions {
    fn default() -> Self {
        let c = ffi::mdvt_motion_options::defaults();
        MotionOptions {
            num_threads: c.num_threads,
            xfovs_deg: Vec::new(),
            scene_scale: c.scene_scale,
            working_side: c.working_side,
            lookahead: c.lookahead,
        }
    }
}

/// Depth by a network, one frame at a time.
#[derive(Clone, Debug)]
pub struct ModelDepthOptions {
    /// For resizing, and for passes side by side; 0: one per core.
    pub num_threads: i32,
    /// In place of the metadata's target size, [14, 16384].
    pub input_size: Option<i32>,
    /// Frames of one forward pass, [1, 64], as the model allows.
    pub batch: i32,
    /// Passes at the same time, for deterministic models, [1, 1024].
    pub side_by_side: i32,
    /// Of relative models: `1 / metres = scale * disparity + shift`; `None`: estimates are disparity.
    pub calibration: Option<(f64, f64)>,
    /// Scale from the first frame's median depth, metres.
    pub median_depth: Option<f64>,
}

impl Default for ModelDepthOptions {
    fn default() -> Self {
        let c = ffi::mdvt_model_depth_options::defaults();
        ModelDepthOptions {
            num_threads: c.num_threads,
            input_size: None,
            batch: c.batch,
            side_by_side: c.side_by_side,
            calibration: None,
            median_depth: None,
        }
    }
}

handle!(StageHandle, mdvt_stage, mdvt_stage_destroy);

/// Frames go in, results come out later, in order.
pub struct Stage(StageHandle);

impl Stage {
    /// Depth from the camera's own motion. Takes frames of the camera's size in RGB of 8 bits or, less
    /// exact, in gray of 8 bits, full range.
    pub fn motion(camera: &Camera, options: &MotionOptions) -> Result<Stage> {
        let mut c = ffi::mdvt_motion_options::defaults();
        c.num_threads = options.num_threads;
        c.camera = camera.to_c();
        if !options.xfovs_deg.is_empty() {
            c.xfovs_deg = options.xfovs_deg.as_ptr();
            c.num_xfovs = options.xfovs_deg.len() as i64;
        }
        c.scene_scale = options.scene_scale;
        c.working_side = options.working_side;
        c.lookahead = options.lookahead;
        let mut stage = std::ptr::null_mut();
        // SAFETY: everything outlives the call, which copies the fields of view.
        check(unsafe { ffi::mdvt_motion_create(&c, &mut stage) })?;
        Ok(Stage(StageHandle(stage)))
    }

    /// Depth by a network of kind "depth". Takes frames of the camera's size in RGB of 8 to 16 bits.
    /// The stage keeps the model as long as it needs it.
    pub fn model_depth(
        model: &Model,
        camera: &Camera,
        options: &ModelDepthOptions,
    ) -> Result<Stage> {
        let mut c = ffi::mdvt_model_depth_options::defaults();
        c.num_threads = options.num_threads;
        c.camera = camera.to_c();
        c.input_size = options.input_size.unwrap_or(0);
        c.batch = options.batch;
        c.side_by_side = options.side_by_side;
        let (scale, shift) = options.calibration.unwrap_or((0.0, 0.0));
        c.disparity_scale = scale;
        c.disparity_shift = shift;
        c.median_depth = options.median_depth.unwrap_or(0.0);
        let mut stage = std::ptr::null_mut();
        // SAFETY: everything outlives the call.
        check(unsafe { ffi::mdvt_model_depth_create(model.0 .0, &c, &mut stage) })?;
        Ok(Stage(StageHandle(stage)))
    }

    /// The next frame in order, with its time.
    pub fn push(&mut self, image: ImageView<'_>, pts: i64, duration: i64) -> Result<()> {
        let mut frame = Frame::empty_c();
        frame.image = image.c;
        frame.pts = pts;
        frame.duration = duration;
        // SAFETY: the pixels are only read, during the call.
        check(unsafe { ffi::mdvt_stage_push(self.0 .0, &frame) })
    }

    /// There are no more frames.
    pub fn finish(&mut self) -> Result<()> {
        // SAFETY: null says so.
        check(unsafe { ffi::mdvt_stage_push(self.0 .0, std::ptr::null()) })
    }

    /// The next result; `None` if none is ready: push more. Behind [`finish`](Stage::finish) `None`
    /// says that all are out. Its pixels last until the next call.
    pub fn pop(&mut self) -> Result<Option<Frame<'_>>> {
        let mut c = Frame::empty_c();
        // SAFETY: the frame borrows the stage, so that nothing pops on while it is there.
        unsafe {
            let found = check_value(ffi::mdvt_stage_pop(self.0 .0, &mut c))?;
            Ok(found.then(|| Frame::from_c(&c)))
        }
    }
}

/// Plug-ins of this folder count too from now on, before those of the installation. A plug-in that
/// other users of the machine may change is never opened.
pub fn add_backend_folder(folder: impl AsRef<Path>) -> Result<()> {
    let folder = c_path(folder.as_ref())?;
    // SAFETY: the text outlives the call.
    check(unsafe { ffi::mdvt_backend_add_folder(folder.as_ptr()) })
}
