// SPDX-License-Identifier: Apache-2.0
mod support;

use mdvt::*;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use support::*;

fn stereo_options(name: &str) -> (std::path::PathBuf, Options) {
    let folder = folder(name);
    write_clip(&folder.join("clip.mkv")).unwrap();
    write_depth(&folder.join("depth.mkv")).unwrap();
    let mut options = Options::new("stereo_rerender").unwrap();
    options
        .set("color_video", folder.join("clip.mkv").as_path())
        .unwrap();
    options
        .set("depth-video", folder.join("depth.mkv").as_path())
        .unwrap();
    options.set("pupillary_distance", 300).unwrap();
    options
        .set("output", folder.join("stereo.mkv").as_path())
        .unwrap();
    (folder, options)
}

#[test]
fn every_tool_tells_its_options() {
    let tools = tools();
    assert!(tools.iter().any(|tool| tool.name == "stereo_rerender"));
    for tool in tools {
        assert!(!tool.purpose.is_empty());
        let options = Options::new(&tool.name).unwrap();
        assert!(!options.describe().unwrap().is_empty(), "{}", tool.name);
        options.describe_report().unwrap();
    }
    let all = Options::new("stereo_rerender").unwrap().describe().unwrap();
    let eyes = all
        .iter()
        .find(|option| option.name == "pupillary_distance")
        .unwrap();
    assert_eq!(
        (eyes.kind, eyes.low, eyes.high),
        (Kind::Number, 0.0, 1000.0)
    );
    let layout = all.iter().find(|option| option.name == "layout").unwrap();
    assert!(layout.choices.iter().any(|choice| choice == "half-sbs"));
}

#[test]
fn options_hold_what_was_set() {
    let mut options = Options::new("mono_to_sbs").unwrap();
    assert_eq!(options.get("xfov").unwrap(), None);
    assert_eq!(options.get("model").unwrap().as_deref(), Some(""));
    assert!(!options.was_given("threads").unwrap());
    options.set("threads", 2).unwrap();
    assert_eq!(options.get_integer("threads").unwrap(), Some(2));
    assert!(options.was_given("threads").unwrap());
    options.unset("threads").unwrap();
    assert!(!options.was_given("threads").unwrap());

    let error = options.set("threds", 2).unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert!(error.message.contains("threads"), "{error}");
    assert!(options.set("threads", -5).is_err());
    assert!(options.set("threads", "a\0b").is_err());

    options.set("threads", "1").unwrap();
    let json = options.to_json(true).unwrap();
    let again = Options::from_json(&json).unwrap();
    assert_eq!(again.get_integer("threads").unwrap(), Some(1));
    assert!(again.check().is_err()); // no input yet
    assert!(Options::new("no_such_tool").is_err());
}

#[test]
fn a_job_runs_and_reports() {
    let (folder, options) = stereo_options("runs");
    let mut phases = Vec::new();
    let report = Job::new(&options)
        .unwrap()
        .run_with(|progress| {
            phases.push(progress.phase.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(report.frames(), FRAMES as i64);
    assert_eq!(
        report.outputs(),
        [folder.join("stereo.mkv").to_str().unwrap()]
    );
    assert!(report.summary().contains("128x48"), "{}", report.summary());
    let share = report.get_number("hole_share").unwrap().unwrap();
    assert!(share > 0.0 && share < 0.2, "{share}");
    assert!(report.get("no_such_field").is_err());
    assert!(!phases.is_empty());
    let mut reader =
        Reader::open_video(folder.join("stereo.mkv"), &VideoReaderOptions::default()).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().image.width(), 2 * WIDTH);
}

#[test]
fn one_call_runs_a_tool() {
    let (folder, _) = stereo_options("one_call");
    let depth = folder.join("depth.mkv");
    let report = run(
        "stereo_rerender",
        &[("depth_video", depth.as_path().into())],
    )
    .unwrap();
    assert_eq!(report.outputs().len(), 1);
    let error = run("stereo_rerender", &[("depth_video", "missing.mkv".into())])
        .err()
        .unwrap();
    assert_eq!(error.code, Code::NotFound);
}

#[test]
fn a_callback_can_end_the_job() {
    let (folder, options) = stereo_options("cancelled");
    let stopped = Job::new(&options)
        .unwrap()
        .run_with(|_| ControlFlow::Break(()));
    assert_eq!(stopped.err().unwrap().code, Code::Cancelled);
    assert!(!folder.join("stereo.mkv").exists());
}

#[test]
fn a_panic_in_a_callback_goes_on_in_the_caller() {
    let (folder, options) = stereo_options("panics");
    let job = Job::new(&options).unwrap();
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        job.run_with(|_| panic!("no more"))
    }));
    assert_eq!(panic.err().unwrap().downcast_ref(), Some(&"no more"));
    assert!(!folder.join("stereo.mkv").exists());
}

#[test]
fn another_thread_can_cancel() {
    let (folder, options) = stereo_options("other_thread");
    let job = Job::new(&options).unwrap();
    let canceller = job.canceller();
    std::thread::spawn(move || canceller.cancel())
        .join()
        .unwrap();
    assert_eq!(job.run().err().unwrap().code, Code::Cancelled);
    assert!(!folder.join("stereo.mkv").exists());
}

#[test]
fn the_log_goes_where_it_is_sent() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    set_log_sink(Some(move |level: LogLevel, line: &str| {
        kept.lock().unwrap().push((level, line.to_owned()))
    }));
    let folder = folder("log");
    write_clip(&folder.join("clip.mkv")).unwrap();
    // Six frames of a camera that stands still: depth is a guess, and that is a warning.
    let clip = folder.join("clip.mkv");
    run(
        "video_metric_convert",
        &[
            ("color_video", clip.as_path().into()),
            ("xfov", 60.0.into()),
        ],
    )
    .unwrap();
    set_log_sink(None::<fn(LogLevel, &str)>);
    let lines = lines.lock().unwrap();
    assert!(
        lines.iter().any(|(level, _)| *level == LogLevel::Warning),
        "{lines:?}"
    );
}
