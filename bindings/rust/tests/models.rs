// SPDX-License-Identifier: Apache-2.0
//! Networks, run by the example backend in `MDVT_TEST_BACKENDS`: its "network" is
//! 2 (0.299 R + 0.587 G + 0.114 B) + 1. Without the variable nothing is tested, and that is said.

mod support;

use mdvt::*;

const METADATA: &str = r#"{
  "format": 1, "kind": "depth", "name": "small",
  "source": {"upstream": "mdvt's tests", "license": "Apache-2.0"},
  "inputs": [{"name": "image", "layout": "NCHW", "range": [0, 1], "color": "rgb",
              "normalize": "in_module",
              "size": {"rule": "cover", "target": [16, 16], "multiple": 2,
                       "round": "nearest_even", "keep_aspect": true, "dynamic": true,
                       "min": [2, 2], "max": [64, 64]},
              "resample": "cubic_opencv"}],
  "outputs": [{"name": "depth", "layout": "NCHW", "quantity": "disparity", "scale": "affine",
               "unit": null, "resample": "bilinear_align_corners", "non_negative": true}],
  "batch": {"dynamic": true, "max": 4},
  "precision": ["fp32"],
  "check": {"shape": [1, 3, 4, 4], "mean": 100, "std": 0}}"#;

fn model_file(name: &str) -> Option<std::path::PathBuf> {
    let backends = std::env::var_os("MDVT_TEST_BACKENDS");
    if backends.is_none() {
        eprintln!("skipped: MDVT_TEST_BACKENDS names no folder of backends");
    }
    let backends = backends?;
    add_backend_folder(backends).unwrap();
    let file = support::folder(name).join("small.luma");
    std::fs::write(&file, format!("luma 299 587 114 2000 1000\n{METADATA}")).unwrap();
    Some(file)
}

fn vouched() -> ModelOptions {
    ModelOptions {
        allow_unlisted: true,
        ..Default::default()
    }
}

/// The first value that the network gives for frames of this brightness.
fn first_value(model: &Model, options: &ModelDepthOptions, brightness: u8) -> (f32, Quantity) {
    let camera = Camera::from_xfov(16, 16, 60.0);
    let mut stage = Stage::model_depth(model, &camera, options).unwrap();
    let mut image = Image::new(PixelFormat::rgb(8), 16, 16).unwrap();
    for plane in 0..3 {
        for y in 0..16 {
            image.row_mut::<u8>(plane, y).fill(brightness);
        }
    }
    stage.push(image.view(), 0, 1).unwrap();
    stage.finish().unwrap();
    let estimate = stage.pop().unwrap().expect("one estimate");
    (
        estimate.image.at::<f32>(0, 7, 7),
        estimate.quantity.unwrap(),
    )
}

#[test]
fn a_network_gives_disparity_or_metres() {
    let file = match model_file("network") {
        Some(file) => file,
        None => return,
    };
    let model = Model::open(&file, &vouched()).unwrap();
    let info = model.info().unwrap();
    assert_eq!((info.name.as_str(), info.kind.as_str()), ("small", "depth"));
    assert_eq!((info.backend.as_str(), info.batch_max), ("luma", 4));
    assert!(info.relative && !info.metric && info.has_self_test);
    assert_eq!(info.sha256.len(), 64);

    let (value, quantity) = first_value(&model, &ModelDepthOptions::default(), 102);
    assert!((value - 1.8).abs() < 1e-5, "{value}");
    assert_eq!(quantity, Quantity::Disparity);
    let calibrated = ModelDepthOptions {
        calibration: Some((0.25, 0.05)),
        ..Default::default()
    };
    let (value, quantity) = first_value(&model, &calibrated, 102);
    assert!((value - 2.0).abs() < 1e-5, "{value}");
    assert_eq!(quantity, Quantity::Depth);

    // Several threads may use one model.
    std::thread::scope(|scope| {
        for brightness in [51, 204] {
            let model = &model;
            scope.spawn(move || {
                let (value, _) = first_value(model, &ModelDepthOptions::default(), brightness);
                assert!(
                    (value - (brightness as f32 / 127.5 + 1.0)).abs() < 1e-5,
                    "{value}"
                );
            });
        }
    });
}

#[test]
fn a_network_is_checked() {
    let file = match model_file("checked") {
        Some(file) => file,
        None => return,
    };
    let unlisted = Model::open(&file, &ModelOptions::default());
    assert_eq!(unlisted.err().unwrap().code, Code::Refused);
    let other = ModelOptions {
        sha256: Some("0".repeat(64)),
        ..vouched()
    };
    assert_eq!(
        Model::open(&file, &other).err().unwrap().code,
        Code::Refused
    );
    // The metadata's figures are wrong on purpose.
    let model = Model::open(&file, &vouched()).unwrap();
    assert_eq!(model.self_test().err().unwrap().code, Code::Corrupt);
    let tested = ModelOptions {
        self_test: true,
        ..vouched()
    };
    assert_eq!(
        Model::open(&file, &tested).err().unwrap().code,
        Code::Corrupt
    );
}

#[test]
fn a_job_takes_an_open_network() {
    let file = match model_file("job") {
        Some(file) => file,
        None => return,
    };
    let folder = file.parent().unwrap();
    let clip = folder.join("clip.mkv");
    support::write_clip(&clip).unwrap();
    let mut options = Options::new("video_metric_convert").unwrap();
    options.set("color_video", clip.as_path()).unwrap();
    options.set("xfov", 60).unwrap();
    options.set("scene_scale", 4).unwrap();
    options
        .use_model(&Model::open(&file, &vouched()).unwrap())
        .unwrap(); // the job keeps it
    let report = Job::new(&options).unwrap().run().unwrap();
    assert_eq!(report.frames(), support::FRAMES as i64);
    let mut options = Options::new("split_sbs_video").unwrap();
    let refused = options.use_model(&Model::open(&file, &vouched()).unwrap());
    assert_eq!(refused.err().unwrap().code, Code::InvalidArgument);
}
