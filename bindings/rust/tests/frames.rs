// SPDX-License-Identifier: Apache-2.0
mod support;

use mdvt::*;
use support::*;

#[test]
fn a_video_is_read_as_it_was_written() {
    let path = folder("video").join("clip.mkv");
    write_clip(&path).unwrap();
    let mut reader = Reader::open_video(&path, &VideoReaderOptions::default()).unwrap();
    let info = reader.info().unwrap();
    assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
    assert_eq!(info.format, PixelFormat::yuv420(8));
    assert_eq!(info.frame_rate.num, 24 * info.frame_rate.den);
    assert_eq!(info.codec, "ffv1");
    assert!(info.lossless && !info.has_audio);
    for expected in 0..FRAMES {
        let frame = reader.read().unwrap().expect("one more frame");
        assert_eq!(frame.index, expected as i64);
        for y in 0..HEIGHT {
            let row: Vec<u8> = (0..WIDTH).map(|x| luma(expected, x, y)).collect();
            assert_eq!(frame.image.row::<u8>(0, y), row);
        }
        assert_eq!(frame.image.row::<u8>(2, HEIGHT / 2 - 1), [128; WIDTH / 2]);
    }
    assert!(reader.read().unwrap().is_none());
    assert!(reader.read().unwrap().is_none());
}

#[test]
fn depth_comes_back_within_half_a_step() {
    let path = folder("depth").join("depth.mkv");
    write_depth(&path).unwrap();
    let mut reader = Reader::open_depth(&path, &DepthReaderOptions::default()).unwrap();
    let info = reader.info().unwrap();
    assert_eq!(info.depth_encoding, Some(DepthEncoding::Rgb16));
    assert_eq!((info.depth_max, info.xfov_deg), (100.0, 60.0));
    let step = 100.0 / 65025.0;
    let frame = reader.read().unwrap().unwrap();
    assert_eq!(frame.image.format(), PixelFormat::DEPTH);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let error = frame.image.at::<f32>(0, x, y) - metres(x, y);
            assert!(error.abs() <= step, "{error} at {x}, {y}");
        }
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = folder("dropped");
    let path = folder.join("clip.mkv");
    let mut writer =
        Writer::create_video(&path, PixelFormat::yuv420(8), WIDTH, HEIGHT, &at_24_fps()).unwrap();
    writer.write(picture(0).view(), 0, 1).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn codes_of_depth_are_exact() {
    let codec = DepthCodec {
        encoding: DepthEncoding::Gray16,
        max_depth: 65.535,
        ..Default::default()
    };
    let depth = Image::from_depth(&[0.0, 0.001, 1.5, 65.535, 70.0, f32::NAN], 3, 2).unwrap();
    let encoded = encode_depth(&codec, depth.view()).unwrap();
    assert_eq!(encoded.view().row::<u16>(0, 0), [0, 1, 1500]);
    assert_eq!(encoded.view().row::<u16>(0, 1), [65535, 65535, 0]);
    let decoded = decode_depth(&codec, encoded.view()).unwrap();
    assert!((decoded.view().at::<f32>(0, 2, 0) - 1.5).abs() < 1e-6);
}

#[test]
fn the_eyes_are_shifted_by_half_the_disparity() {
    // fx * baseline / 2 / z = 8 * 0.5 / 2 / 2 = 1 pixel.
    let mut color = Image::new(PixelFormat::gray(8), 16, 4).unwrap();
    for y in 0..4 {
        for (x, sample) in color.row_mut::<u8>(0, y).iter_mut().enumerate() {
            *sample = 10 * x as u8;
        }
    }
    let depth = Image::from_depth(&[2.0; 64], 16, 4).unwrap();
    let camera = Camera {
        width: 16,
        height: 4,
        fx: 8.0,
        fy: 8.0,
        cx: 8.0,
        cy: 2.0,
    };
    let options = RendererOptions {
        baseline: 0.5,
        ..Default::default()
    };
    let mut renderer = Renderer::new(&options).unwrap();
    let (left, right) = renderer
        .render(color.view(), depth.view(), &camera, None)
        .unwrap();
    assert_eq!(left.image.view().at::<u8>(0, 8, 2), 70);
    assert_eq!(right.image.view().at::<u8>(0, 8, 2), 90);
    assert_eq!(left.depth.view().at::<f32>(0, 8, 2), 2.0);
    let mask = left.mask.view();
    assert_eq!((mask.at::<u8>(0, 8, 2), mask.at::<u8>(1, 8, 2)), (0, 0));
    // With the eyes converging on the surface nothing is shifted.
    let (left, _) = renderer
        .render(color.view(), depth.view(), &camera, Some(2.0))
        .unwrap();
    assert_eq!(
        left.image.view().row::<u8>(0, 1),
        color.view().row::<u8>(0, 1)
    );
}

#[test]
fn holes_are_filled_in_place() {
    let mut image = Image::new(PixelFormat::rgb(8), 8, 1).unwrap();
    for plane in 0..3 {
        image
            .row_mut::<u8>(plane, 0)
            .copy_from_slice(&[50, 50, 50, 0, 0, 50, 50, 50]);
    }
    let mut mask = Image::new(PixelFormat::rgb(8), 8, 1).unwrap();
    mask.row_mut::<u8>(1, 0)[3..5].fill(255);
    fill_holes(mask.view(), 0, &mut image).unwrap();
    assert_eq!(image.view().row::<u8>(0, 0), [50; 8]);
}

#[test]
fn rgb_becomes_gray_by_the_matrix() {
    let mut white = Image::new(PixelFormat::rgb(8), 2, 2).unwrap();
    for plane in 0..3 {
        for y in 0..2 {
            white.row_mut::<u8>(plane, y).fill(255);
        }
    }
    let gray = convert(white.view(), &Color::default(), PixelFormat::gray(8)).unwrap();
    assert_eq!(gray.view().row::<u8>(0, 0), [255, 255]);
}

#[test]
fn depth_from_motion_gives_every_frame_once() {
    let camera = Camera::from_xfov(160, 120, 60.0);
    let mut stage = Stage::motion(&camera, &MotionOptions::default()).unwrap();
    let mut indices = Vec::new();
    for frame in 0..8 {
        let mut image = Image::new(PixelFormat::gray(8), 160, 120).unwrap();
        for y in 0..120 {
            for (x, sample) in image.row_mut::<u8>(0, y).iter_mut().enumerate() {
                *sample = luma(frame, x * (1 + y / 40), y * 5);
            }
        }
        stage.push(image.view(), frame as i64, 1).unwrap();
        while let Some(estimate) = stage.pop().unwrap() {
            indices.push(estimate.pts);
        }
    }
    stage.finish().unwrap();
    while let Some(estimate) = stage.pop().unwrap() {
        assert_eq!(estimate.image.format(), PixelFormat::DEPTH);
        assert_eq!(estimate.quantity, Some(Quantity::Depth));
        assert!(estimate.motion.is_some());
        assert_eq!(estimate.confidence.unwrap().width(), 160);
        indices.push(estimate.pts);
    }
    assert_eq!(indices, (0..8).collect::<Vec<_>>());
}

#[test]
fn what_is_wrong_is_said() {
    let code = |result: Result<Reader>| result.err().map(|error| error.code);
    let missing = Reader::open_video("missing.mp4", &VideoReaderOptions::default());
    assert!(missing
        .as_ref()
        .err()
        .unwrap()
        .message
        .contains("missing.mp4"));
    assert_eq!(code(missing), Some(Code::NotFound));
    let zero = Reader::open_video("a\0b", &VideoReaderOptions::default());
    assert_eq!(code(zero), Some(Code::InvalidArgument));

    let folder = folder("wrong");
    write_clip(&folder.join("clip.mkv")).unwrap();
    let no_depth = Reader::open_depth(folder.join("clip.mkv"), &DepthReaderOptions::default());
    assert_eq!(code(no_depth), Some(Code::Refused));
    let small = VideoReaderOptions {
        limits: Limits {
            max_side: 32,
            ..Default::default()
        },
        ..Default::default()
    };
    let large = Reader::open_video(folder.join("clip.mkv"), &small);
    assert_eq!(code(large), Some(Code::Limit));

    assert_eq!(
        Image::new(PixelFormat::gray(8), 0, 4).err().unwrap().code,
        Code::InvalidArgument
    );
    let wide = RendererOptions {
        baseline: 2.0,
        ..Default::default()
    };
    assert_eq!(
        Renderer::new(&wide).err().unwrap().code,
        Code::InvalidArgument
    );
    let model = Model::open(folder.join("none.pt"), &ModelOptions::default());
    assert_eq!(model.err().unwrap().code, Code::NotFound);
    std::fs::write(folder.join("junk.pt"), b"junk").unwrap();
    let model = Model::open(folder.join("junk.pt"), &ModelOptions::default());
    assert!(model.is_err());
}

#[test]
#[should_panic(expected = "another type")]
fn a_row_of_another_type_panics() {
    picture(0).view().row::<u16>(0, 0);
}
