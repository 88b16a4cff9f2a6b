// SPDX-License-Identifier: Apache-2.0
use crate::error::{c_text, check, check_value, handle, text, Defaults, Result};
use crate::ffi;
use crate::image::Limits;
use crate::stage::Model;
use crate::video::c_enum;
use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::Arc;

/// A value of an option.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// On or off.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text, a choice, a path, or any other option as on a command line: "0.5", "on".
    Text(String),
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Flag(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Integer(value.into())
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Number(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}
impl From<&std::path::Path> for Value {
    fn from(value: &std::path::Path) -> Value {
        Value::Text(value.to_string_lossy().into_owned())
    }
}

/// A tool, which is a program of mdvt.
#[derive(Clone, Debug)]
pub struct ToolInfo {
    /// "stereo_rerender".
    pub name: String,
    /// Some lines for people.
    pub purpose: String,
    /// A command line.
    pub example: String,
}

/// All tools.
pub fn tools() -> Vec<ToolInfo> {
    // SAFETY: indices are below the count, texts last for ever.
    unsafe {
        (0..ffi::mdvt_tool_count())
            .map(|index| {
                let mut c = ffi::mdvt_tool_info::defaults();
                check(ffi::mdvt_tool_info_get(index, &mut c))
                    .expect("the index is below the count");
                ToolInfo {
                    name: text(c.name),
                    purpose: text(c.purpose),
                    example: text(c.example),
                }
            })
            .collect()
    }
}

c_enum! {
    /// What an option or a field of a report takes.
    Kind {
        /// On or off.
        Flag = MDVT_OPTION_FLAG,
        /// A whole number.
        Integer = MDVT_OPTION_INTEGER,
        /// A number.
        Number = MDVT_OPTION_NUMBER,
        /// A text.
        Text = MDVT_OPTION_TEXT,
        /// A text that is one of [`OptionInfo::choices`].
        Choice = MDVT_OPTION_CHOICE,
    }
}

c_enum! {
    /// What the file or folder is to the tool that a text names.
    Path {
        /// It is read.
        Input = MDVT_PATH_INPUT,
        /// It is written.
        Output = MDVT_PATH_OUTPUT,
        /// It is a folder.
        Folder = MDVT_PATH_FOLDER,
    }
}

/// What an option of a tool is, for a program that builds a form.
#[derive(Clone, Debug)]
pub struct OptionInfo {
    /// With underscores.
    pub name: String,
    /// Other names that are taken.
    pub aliases: Vec<String>,
    /// What it takes.
    pub kind: Kind,
    /// What stands for the value in a help: "METRES", "FILE".
    pub unit: String,
    /// Some words.
    pub help: String,
    /// Heading in the help.
    pub section: String,
    /// What is taken, in words: "a number in (0, 180)".
    pub valid: String,
    /// What holds if it is not given, in words.
    pub default_text: String,
    /// Of numbers. 2^53 or more is no limit.
    pub low: f64,
    /// Of numbers. 2^53 or more is no limit.
    pub high: f64,
    /// `low` itself is not taken.
    pub without_low: bool,
    /// `high` itself is not taken.
    pub without_high: bool,
    /// A number outside of the range that has a meaning, and what it means.
    pub also: Option<(f64, String)>,
    /// What may be chosen.
    pub choices: Vec<String>,
    /// It names a file or folder.
    pub path: Option<Path>,
    /// Programs take a list of such files in a `.txt` file too.
    pub takes_list: bool,
    /// It has to be given.
    pub required: bool,
    /// It may have no value.
    pub optional: bool,
}

/// A field of a tool's report.
#[derive(Clone, Debug)]
pub struct ReportField {
    /// "hole_share".
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Some words, with the unit.
    pub help: String,
}

handle!(OptionsHandle, mdvt_options, mdvt_options_free);

/// The options of one run of a tool. Names are those of the command line, with underscores or
/// hyphens.
pub struct Options(OptionsHandle);

impl Options {
    /// With the defaults. Fails if there is no such tool; the text lists them.
    pub fn new(tool: &str) -> Result<Options> {
        let tool = c_text(tool)?;
        let mut options = std::ptr::null_mut();
        // SAFETY: the text outlives the call.
        check(unsafe { ffi::mdvt_options_new(tool.as_ptr(), &mut options) })?;
        Ok(Options(OptionsHandle(options)))
    }

    /// Of a job file, as `--print_job` of a program writes it.
    pub fn from_json(json: &str) -> Result<Options> {
        let json = c_text(json)?;
        let mut options = std::ptr::null_mut();
        // SAFETY: the text outlives the call.
        check(unsafe { ffi::mdvt_options_from_json(json.as_ptr(), &mut options) })?;
        Ok(Options(OptionsHandle(options)))
    }

    /// As a job file; `only_given` leaves out what has its default.
    pub fn to_json(&mut self, only_given: bool) -> Result<String> {
        let mut json = std::ptr::null();
        // SAFETY: the text is copied before the options change.
        unsafe {
            check(ffi::mdvt_options_to_json(
                self.0 .0,
                only_given as i32,
                &mut json,
            ))?;
            Ok(text(json))
        }
    }

    /// Fails for names that are not known (the text suggests one), values of another kind or out of
    /// range; the option is as before, then.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<()> {
        let name = c_text(name)?;
        let (options, name) = (self.0 .0, name.as_ptr());
        // SAFETY: the texts outlive the calls.
        check(unsafe {
            match value.into() {
                Value::Flag(value) => ffi::mdvt_options_set_flag(options, name, value as i32),
                Value::Integer(value) => ffi::mdvt_options_set_integer(options, name, value),
                Value::Number(value) => ffi::mdvt_options_set_number(options, name, value),
                Value::Text(value) => {
                    let value = c_text(value)?;
                    ffi::mdvt_options_set_text(options, name, value.as_ptr())
                }
            }
        })
    }

    /// As if it had never been given.
    pub fn unset(&mut self, name: &str) -> Result<()> {
        let name = c_text(name)?;
        // SAFETY: the text outlives the call.
        check(unsafe { ffi::mdvt_options_unset(self.0 .0, name.as_ptr()) })
    }

    /// The value that holds, given or default, as on a command line; `None`: it has none.
    pub fn get(&self, name: &str) -> Result<Option<String>> {
        get_text(name, |name, value| unsafe {
            ffi::mdvt_options_get_text(self.0 .0, name, value)
        })
    }

    /// The flag that holds.
    pub fn get_flag(&self, name: &str) -> Result<Option<bool>> {
        get(name, 0, |name, value| unsafe {
            ffi::mdvt_options_get_flag(self.0 .0, name, value)
        })
        .map(|flag| flag.map(|flag| flag != 0))
    }

    /// The whole number that holds.
    pub fn get_integer(&self, name: &str) -> Result<Option<i64>> {
        get(name, 0, |name, value| unsafe {
            ffi::mdvt_options_get_integer(self.0 .0, name, value)
        })
    }

    /// The number that holds.
    pub fn get_number(&self, name: &str) -> Result<Option<f64>> {
        get(name, 0.0, |name, value| unsafe {
            ffi::mdvt_options_get_number(self.0 .0, name, value)
        })
    }

    /// Whether it was set; defaults do not count.
    pub fn was_given(&self, name: &str) -> Result<bool> {
        get(name, 0, |name, value| unsafe {
            ffi::mdvt_options_was_given(self.0 .0, name, value)
        })
        .map(|given| given == Some(1))
    }

    /// An open model in place of the file that the option "model" names. Options and jobs keep it as
    /// long as they need it.
    pub fn use_model(&mut self, model: &Model) -> Result<()> {
        // SAFETY: both are open.
        check(unsafe { ffi::mdvt_options_use_model(self.0 .0, model.0 .0) })
    }

    /// What the tool's readers may cost.
    pub fn use_limits(&mut self, limits: &Limits) -> Result<()> {
        // SAFETY: the limits are copied.
        check(unsafe { ffi::mdvt_options_use_limits(self.0 .0, &limits.to_c()) })
    }

    /// Whether the options go together and all that are required are there; opens nothing.
    pub fn check(&self) -> Result<()> {
        // SAFETY: only reads.
        check(unsafe { ffi::mdvt_options_check(self.0 .0) })
    }

    /// All options of the tool, in the order of its help.
    pub fn describe(&self) -> Result<Vec<OptionInfo>> {
        let mut count = 0;
        // SAFETY: texts are copied before the options can end.
        unsafe {
            check(ffi::mdvt_option_count(self.0 .0, &mut count))?;
            (0..count)
                .map(|index| {
                    let mut c = ffi::mdvt_option_info::defaults();
                    check(ffi::mdvt_option_info_get(self.0 .0, index, &mut c))?;
                    Ok(option_info(&c))
                })
                .collect()
        }
    }

    /// What the tool reports after a run.
    pub fn describe_report(&self) -> Result<Vec<ReportField>> {
        let mut count = 0;
        // SAFETY: texts are copied before the options can end.
        unsafe {
            check(ffi::mdvt_report_field_count(self.0 .0, &mut count))?;
            (0..count)
                .map(|index| {
                    let mut c = ffi::mdvt_report_field_info::defaults();
                    check(ffi::mdvt_report_field_info_get(self.0 .0, index, &mut c))?;
                    Ok(ReportField {
                        name: text(c.name),
                        kind: Kind::from_c(c.kind).unwrap_or(Kind::Text),
                        help: text(c.help),
                    })
                })
                .collect()
        }
    }
}

/// # Safety
/// Filled in by the library, which is still there.
unsafe fn option_info(c: &ffi::mdvt_option_info) -> OptionInfo {
    let list = |names: *const *const c_char, count: i32| {
        (0..count as usize)
            .map(|i| text(*names.add(i)))
            .collect::<Vec<_>>()
    };
    let also_means = text(c.also_means);
    OptionInfo {
        name: text(c.name),
        aliases: list(c.aliases, c.num_aliases),
        kind: Kind::from_c(c.kind).unwrap_or(Kind::Text),
        unit: text(c.unit),
        help: text(c.help),
        section: text(c.section),
        valid: text(c.valid),
        default_text: text(c.default_text),
        low: c.low,
        high: c.high,
        without_low: c.without_low != 0,
        without_high: c.without_high != 0,
        also: (!also_means.is_empty()).then_some((c.also, also_means)),
        choices: list(c.choices, c.num_choices),
        path: Path::from_c(c.path),
        takes_list: c.takes_list != 0,
        required: c.required != 0,
        optional: c.optional != 0,
    }
}

/// Asks for a value by its name.
fn get<T>(
    name: &str,
    mut value: T,
    ask: impl Fn(*const c_char, *mut T) -> i32,
) -> Result<Option<T>> {
    let name = c_text(name)?;
    let found = check_value(ask(name.as_ptr(), &mut value))?;
    Ok(found.then_some(value))
}

fn get_text(
    name: &str,
    ask: impl Fn(*const c_char, *mut *const c_char) -> i32,
) -> Result<Option<String>> {
    // SAFETY: the text is copied at once.
    Ok(get(name, std::ptr::null(), ask)?.map(|value| unsafe { text(value) }))
}

/// How far a job is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What the job is at: "calibration", "depth", "stereo", "export".
    pub phase: String,
    /// Of this phase.
    pub frames_done: i64,
    /// Of this phase; `None` if not known, an estimate until the last frame.
    pub frames_total: Option<i64>,
    /// Since the start of the job.
    pub seconds: f64,
    /// Frames a second.
    pub frames_per_second: f64,
}

handle!(JobHandle, mdvt_job, mdvt_job_destroy);
// SAFETY: only mdvt_job_cancel is called from other threads, and it may be.
unsafe impl Sync for JobHandle {}

/// One run of a tool.
pub struct Job(Arc<JobHandle>);

/// Ends a job from another thread.
#[derive(Clone)]
pub struct Canceller(Arc<JobHandle>);

impl Canceller {
    /// The job ends within a frame, with [`Code::Cancelled`](crate::Code::Cancelled).
    pub fn cancel(&self) {
        // SAFETY: may be called at any time while the job is there.
        unsafe { ffi::mdvt_job_cancel(self.0 .0) };
    }
}

/// A callback, and what it panicked with.
struct Callback<'a> {
    call: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    panic: Option<Box<dyn Any + Send>>,
}

unsafe extern "C" fn forward(user: *mut c_void, progress: *const ffi::mdvt_progress) -> i32 {
    let callback = &mut *(user as *mut Callback);
    let progress = &*progress;
    let shown = Progress {
        phase: text(progress.phase),
        frames_done: progress.frames_done,
        frames_total: (progress.frames_total > 0).then_some(progress.frames_total),
        seconds: progress.seconds,
        frames_per_second: progress.frames_per_second,
    };
    // A panic must not unwind through C: it is kept, the job ends, and the panic goes on behind it.
    match catch_unwind(AssertUnwindSafe(|| (callback.call)(&shown))) {
        Ok(ControlFlow::Continue(())) => 0,
        Ok(ControlFlow::Break(())) => 1,
        Err(panic) => {
            callback.panic = Some(panic);
            1
        }
    }
}

impl Job {
    /// Copies and checks the options.
    pub fn new(options: &Options) -> Result<Job> {
        let mut job = std::ptr::null_mut();
        // SAFETY: the options are there.
        check(unsafe { ffi::mdvt_job_create(options.0 .0, &mut job) })?;
        Ok(Job(Arc::new(JobHandle(job))))
    }

    /// What ends this job from another thread, before or during the run.
    pub fn canceller(&self) -> Canceller {
        Canceller(self.0.clone())
    }

    /// Runs the job to its end.
    pub fn run(self) -> Result<Report> {
        // SAFETY: the job is there, and nobody else runs it.
        check(unsafe { ffi::mdvt_job_run(self.0 .0, None, std::ptr::null_mut()) })?;
        Ok(Report(self.0, PhantomData))
    }

    /// Runs the job to its end and calls `on_progress` on this thread about ten times a second, and
    /// once at the end of each phase. `ControlFlow::Break` cancels the job; a panic does so too and
    /// goes on in the caller.
    pub fn run_with(
        self,
        mut on_progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Report> {
        let mut callback = Callback {
            call: &mut on_progress,
            panic: None,
        };
        // SAFETY: the callback outlives the call, which alone uses it.
        let status = unsafe {
            ffi::mdvt_job_run(
                self.0 .0,
                Some(forward),
                &mut callback as *mut Callback as *mut c_void,
            )
        };
        if let Some(panic) = callback.panic {
            resume_unwind(panic);
        }
        check(status)?;
        Ok(Report(self.0, PhantomData))
    }
}

/// What a run has written and found.
pub struct Report(Arc<JobHandle>, PhantomData<Cell<()>>); // one thread at a time

impl Report {
    /// Frames written.
    pub fn frames(&self) -> i64 {
        let mut frames = 0;
        // SAFETY: the job has run.
        check(unsafe { ffi::mdvt_job_frames(self.0 .0, &mut frames) }).expect("the job has run");
        frames
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        let mut summary = std::ptr::null();
        // SAFETY: the job has run; the text is copied.
        unsafe {
            check(ffi::mdvt_job_summary(self.0 .0, &mut summary)).expect("the job has run");
            text(summary)
        }
    }

    /// Files and folders that were written.
    pub fn outputs(&self) -> Vec<String> {
        let mut count = 0;
        // SAFETY: the job has run; the texts are copied.
        unsafe {
            check(ffi::mdvt_job_output_count(self.0 .0, &mut count)).expect("the job has run");
            (0..count)
                .map(|index| {
                    let mut path = std::ptr::null();
                    check(ffi::mdvt_job_output(self.0 .0, index, &mut path))
                        .expect("the index is below the count");
                    text(path)
                })
                .collect()
        }
    }

    /// A field as a text: "on", "0.25"; `None`: it does not apply to this run. Fails for unknown
    /// names; the text lists them.
    pub fn get(&self, name: &str) -> Result<Option<String>> {
        get_text(name, |name, value| unsafe {
            ffi::mdvt_job_report_text(self.0 .0, name, value)
        })
    }

    /// A flag.
    pub fn get_flag(&self, name: &str) -> Result<Option<bool>> {
        get(name, 0, |name, value| unsafe {
            ffi::mdvt_job_report_flag(self.0 .0, name, value)
        })
        .map(|flag| flag.map(|flag| flag != 0))
    }

    /// A whole number.
    pub fn get_integer(&self, name: &str) -> Result<Option<i64>> {
        get(name, 0, |name, value| unsafe {
            ffi::mdvt_job_report_integer(self.0 .0, name, value)
        })
    }

    /// A number.
    pub fn get_number(&self, name: &str) -> Result<Option<f64>> {
        get(name, 0.0, |name, value| unsafe {
            ffi::mdvt_job_report_number(self.0 .0, name, value)
        })
    }
}

/// Runs a tool with these options to its end.
pub fn run(tool: &str, options: &[(&str, Value)]) -> Result<Report> {
    let mut set = Options::new(tool)?;
    for (name, value) in options {
        set.set(name, value.clone())?;
    }
    Job::new(&set)?.run()
}
