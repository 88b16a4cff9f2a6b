// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/view_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"
#include "stereo/stereo_scenes.h"

namespace mdvt::test {
namespace {

ViewCanvas Plan(const CanvasOptions& options, int width, int height, Rational aspect = {1, 1}) {
  const ViewCanvas c = PlanCanvas(options, width, height, aspect);
  // What holds for every canvas.
  for (const int side : {c.frame_width, c.frame_height, c.tile_width, c.tile_height, c.TileX(1),
                         c.TileY(1), c.content_x, c.content_y, c.content_width, c.content_height})
    EXPECT_EQ(side % 2, 0);
  EXPECT_GE(c.content_x, 0);
  EXPECT_LE(c.content_x + c.content_width, c.tile_width);
  EXPECT_LE(c.content_y + c.content_height, c.tile_height);
  EXPECT_GE(c.window.x, 0);
  EXPECT_LE(c.window.x + c.window.width, width + 1e-9);
  EXPECT_LE(c.window.y + c.window.height, height + 1e-9);
  return c;
}

TEST(ViewLayout, WithoutSizesEyesAreThePicture) {
  const ViewCanvas c = Plan({}, 640, 360, {4, 3});
  EXPECT_EQ(c.frame_width, 1280);
  EXPECT_EQ(c.frame_height, 360);
  EXPECT_EQ(c.TileX(1), 640);
  EXPECT_EQ(c.TileY(1), 0);
  EXPECT_TRUE(c.exact);
  EXPECT_EQ(c.sample_aspect, (Rational{4, 3}));
  EXPECT_EQ(c.window.width, 640);
}

TEST(ViewLayout, OddPicturesLoseABorder) {
  const ViewCanvas c = Plan({}, 161, 91);
  EXPECT_EQ(c.tile_width, 160);
  EXPECT_EQ(c.tile_height, 90);
  EXPECT_TRUE(c.exact);
  EXPECT_EQ(c.window.x, 0);
  EXPECT_EQ(c.window.width, 160);
}

TEST(ViewLayout, Packings) {
  CanvasOptions options;
  options.eye_width = 1280;
  options.eye_height = 720;
  const struct {
    const char* layout;
    int width, height, tile_width, tile_height, right_x, right_y;
    double squeeze_x, squeeze_y;
  } cases[] = {{"sbs", 2560, 720, 1280, 720, 1280, 0, 1, 1},
               {"half-sbs", 1280, 720, 640, 720, 640, 0, 0.5, 1},
               {"tab", 1280, 1440, 1280, 720, 0, 720, 1, 1},
               {"half-tab", 1280, 720, 1280, 360, 0, 360, 1, 0.5}};
  for (const auto& expected : cases) {
    options.layout = expected.layout;
    const ViewCanvas c = Plan(options, 1920, 1080);
    EXPECT_EQ(c.frame_width, expected.width);
    EXPECT_EQ(c.frame_height, expected.height);
    EXPECT_EQ(c.tile_width, expected.tile_width);
    EXPECT_EQ(c.tile_height, expected.tile_height);
    EXPECT_EQ(c.TileX(1), expected.right_x);
    EXPECT_EQ(c.TileY(1), expected.right_y);
    EXPECT_EQ(c.squeeze_x, expected.squeeze_x);
    EXPECT_EQ(c.squeeze_y, expected.squeeze_y);
    EXPECT_EQ(c.content_width, expected.tile_width);  // the same shape: all of it is used
    EXPECT_EQ(c.content_height, expected.tile_height);
    EXPECT_FALSE(c.exact);
  }
}

TEST(ViewLayout, Fits) {
  CanvasOptions options;
  options.frame_width = 2560;
  options.frame_height = 1440;  // the documented example: eyes of 1280x1440
  ViewCanvas c = Plan(options, 1920, 1080);
  EXPECT_EQ(c.content_width, 1280);
  EXPECT_EQ(c.content_height, 720);
  EXPECT_EQ(c.content_y, 360);
  EXPECT_NEAR(c.window.width, 1920, 1e-9);

  options.fit = CanvasFit::kCover;
  c = Plan(options, 1920, 1080);
  EXPECT_EQ(c.content_width, 1280);
  EXPECT_EQ(c.content_height, 1440);
  EXPECT_NEAR(c.window.width, 960, 1e-9);
  EXPECT_NEAR(c.window.x, 480, 1e-9);
  EXPECT_NEAR(c.window.height, 1080, 1e-9);

  options.fit = CanvasFit::kNone;
  c = Plan(options, 1920, 1080);
  EXPECT_TRUE(c.exact);
  EXPECT_EQ(c.content_width, 1280);
  EXPECT_EQ(c.content_height, 1080);
  EXPECT_EQ(c.content_y, 180);
  EXPECT_EQ(c.window.x, 320);
  c = Plan(options, 321, 201);
  EXPECT_TRUE(c.exact);
  EXPECT_EQ(c.content_width, 320);
  EXPECT_EQ(c.content_x, 480);
}

TEST(ViewLayout, OneSideFollowsFromThePicture) {
  CanvasOptions options;
  options.frame_width = 2000;
  ViewCanvas c = Plan(options, 1920, 1080);
  EXPECT_EQ(c.tile_width, 1000);
  EXPECT_EQ(c.frame_height, 562);
  options.frame_width = 0;
  options.frame_height = 720;
  c = Plan(options, 720, 576, {64, 45});  // 1024x576 on screen
  EXPECT_EQ(c.tile_width, 1280);
  EXPECT_EQ(c.sample_aspect, (Rational{1, 1}));
  EXPECT_EQ(c.content_width, 1280);
}

TEST(ViewLayout, PictureSizeIsWhatNoneShows) {
  CanvasOptions options;
  options.fit = CanvasFit::kNone;
  options.picture_width = 2560;
  options.picture_height = 1440;
  ViewCanvas c = Plan(options, 640, 360);
  EXPECT_EQ(c.tile_width, 2560);
  EXPECT_EQ(c.tile_height, 1440);
  EXPECT_FALSE(c.exact);
  options.frame_width = 2560;
  options.frame_height = 1440;
  c = Plan(options, 640, 360);
  EXPECT_EQ(c.content_width, 1280);
  EXPECT_NEAR(c.window.width, 320, 1e-9);
  EXPECT_NEAR(c.window.x, 160, 1e-9);
}

TEST(ViewLayout, PaddingIsBlackAndContentStays) {
  CanvasOptions options;
  options.layout = "tab";
  options.eye_width = 64;
  options.eye_height = 40;
  const ViewCanvas c = Plan(options, 30, 40);
  for (const PixelFormat& format :
       {PixelFormat::Yuv(420), PixelFormat::Yuv(422, 10), PixelFormat::Rgb(8)}) {
    Image image(format, c.frame_width, c.frame_height);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < format.PlaneHeight(plane, c.frame_height); ++y)
        for (int x = 0; x < format.PlaneWidth(plane, c.frame_width); ++x)
          SetSample(image, plane, x, y, 77);
    PaintPadding(c, false, image.mutable_view());
    for (int plane = 0; plane < 3; ++plane) {
      const int sx = plane > 0 ? format.chroma_shift_x : 0;
      const int sy = plane > 0 ? format.chroma_shift_y : 0;
      const int black = format.model == ColorModel::kRgb ? 0
                        : plane > 0                      ? 1 << (format.bits - 1)
                                                         : 16 << (format.bits - 8);
      for (int y = 0; y < format.PlaneHeight(plane, c.frame_height); ++y) {
        for (int x = 0; x < format.PlaneWidth(plane, c.frame_width); ++x) {
          const int u = x << sx, v = (y << sy) % c.tile_height;
          const bool inside = u >= c.content_x && u < c.content_x + c.content_width &&
                              v >= c.content_y && v < c.content_y + c.content_height;
          ASSERT_EQ(SampleOf(image, plane, x, y), inside ? 77 : black)
              << plane << " " << x << "," << y;
        }
      }
    }
  }
}

TEST(ViewLayout, TheTableIsSound) {
  EXPECT_EQ(ViewLayouts().front().name, "sbs");
  for (const ViewLayout& layout : ViewLayouts()) {
    EXPECT_EQ(&ViewLayoutOf(layout.name), &layout);  // names are unique
    if (!layout.mix && layout.count == ViewLayout::Count::kFixed) {
      EXPECT_EQ(layout.views.size() + (layout.depth_tile ? 1 : 0),
                static_cast<size_t>(layout.columns * layout.rows));
    }
    EXPECT_TRUE(std::is_sorted(layout.views.begin(), layout.views.end()));
    EXPECT_FALSE(layout.help.empty());
    EXPECT_FALSE(layout.kind.empty());
    EXPECT_EQ(layout.suffix.front(), '_');
    // Two eyes side by side or one above the other are said so; mixed ones have tags of their own.
    if (layout.mix || layout.depth_tile) continue;
    EXPECT_EQ(layout.tag, layout.columns > 1 ? StereoLayout::kSideBySide
                          : layout.rows > 1  ? StereoLayout::kTopBottom
                                             : StereoLayout::kNone);
  }
  EXPECT_EQ(ViewLayoutOf("rows").Tag(true), StereoLayout::kRowInterleaved);
  EXPECT_EQ(ViewLayoutOf("anaglyph").Tag(false), StereoLayout::kAnaglyphRedCyan);
  EXPECT_EQ(ViewLayoutOf("anaglyph").Tag(true), StereoLayout::kNone);
  EXPECT_THROW(ViewLayoutOf("sideways"), Error);
}

TEST(ViewLayout, OneEyeIsThePicture) {
  for (const char* layout : {"left", "right"}) {
    CanvasOptions options;
    options.layout = layout;
    const ViewCanvas c = Plan(options, 640, 360, {4, 3});
    EXPECT_EQ(c.frame_width, 640);
    EXPECT_EQ(c.frame_height, 360);
    EXPECT_EQ(c.num_tiles(), 1);
    EXPECT_TRUE(c.exact);
  }
}

TEST(ViewLayout, PanelsHaveASizeOfTheirOwn) {
  for (const char* name : {"vr180", "vr180-fisheye", "touchly0"}) {
    CanvasOptions options;
    options.layout = name;
    options.panel.size = 640;
    options.panel.fov_deg = 150;
    const ViewCanvas c = Plan(options, 1921, 1081, {4, 3});
    EXPECT_EQ(c.frame_width, name == std::string("touchly0") ? 1920 : 1280);
    EXPECT_EQ(c.frame_height, 640);
    EXPECT_EQ(c.content_width, 640);
    EXPECT_FALSE(c.exact);
    EXPECT_DOUBLE_EQ(c.ViewAspect(), 1);
    ASSERT_TRUE(c.panel);
    EXPECT_EQ(c.panel->fov_deg, 150);
    EXPECT_EQ(c.panel->projection == PanelProjection::kFisheye,
              name == std::string("vr180-fisheye"));
    options.frame_width = 1280;
    EXPECT_THROW(Plan(options, 1920, 1080), Error);
    options.frame_width = 0;
    options.panel.size = 641;
    EXPECT_THROW(Plan(options, 1920, 1080), Error);
  }
  const ViewCanvas source = PlanPanelSource(1921, 1081, {1, 1});
  EXPECT_TRUE(source.exact);
  EXPECT_EQ(source.content_width, 1921);
  EXPECT_EQ(source.content_height, 1081);
  EXPECT_FALSE(source.panel);
}

TEST(ViewLayout, QuiltsBeginBottomLeft) {
  CanvasOptions options;
  options.layout = "quilt";
  options.quilt_columns = 3;
  options.quilt_rows = 2;
  options.view_span = 2;
  const ViewLayout layout = LayoutOf(options);
  EXPECT_EQ(layout.suffix, "_qs3x2");
  const std::vector<double> expected = {-1, -0.6, -0.2, 0.2, 0.6, 1};
  ASSERT_EQ(layout.views.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_DOUBLE_EQ(layout.views[i], expected[i]);
  const ViewCanvas c = Plan(options, 640, 360, {4, 3});
  EXPECT_EQ(c.frame_width, 1920);
  EXPECT_EQ(c.frame_height, 720);
  EXPECT_EQ(c.num_tiles(), 6);
  EXPECT_EQ(c.TileX(0), 0);
  EXPECT_EQ(c.TileY(0), 360);
  EXPECT_EQ(c.TileX(2), 1280);
  EXPECT_EQ(c.TileY(2), 360);
  EXPECT_EQ(c.TileX(3), 0);
  EXPECT_EQ(c.TileY(3), 0);
  EXPECT_DOUBLE_EQ(c.ViewAspect(), 640.0 * 4 / 3 / 360);
}

TEST(ViewLayout, ViewsStandFromLeftToRight) {
  CanvasOptions options;
  options.layout = "views";
  options.views = 5;
  const ViewLayout layout = LayoutOf(options);
  EXPECT_EQ(layout.views, (std::vector<double>{-0.5, -0.25, 0, 0.25, 0.5}));
  EXPECT_EQ(layout.suffix, "_views5");
  EXPECT_EQ(Plan(options, 640, 360).frame_width, 3200);
}

TEST(ViewLayout, MixedViewsShareATile) {
  CanvasOptions options;
  for (const char* name : {"rows", "columns", "anaglyph"}) {
    options.layout = name;
    const ViewCanvas c = Plan(options, 640, 360);
    EXPECT_EQ(c.frame_width, 640);
    EXPECT_EQ(c.frame_height, 360);
    EXPECT_TRUE(c.exact);
    const ViewLayout layout = LayoutOf(options);
    const bool colors = layout.samples == MixSamples::kRgb;
    EXPECT_EQ(PackedFormat(layout, c, PixelFormat::Yuv(420, 10)),
              colors ? PixelFormat::Rgb(10) : PixelFormat::Yuv(444, 10));
    EXPECT_EQ(PackedFormat(layout, c, PixelFormat::Gray(8)),
              colors ? PixelFormat::Rgb(8) : PixelFormat::Gray(8));
  }
}

TEST(ViewLayout, OddPicturesMayStay) {
  CanvasOptions options;
  options.keep_odd = true;
  ViewCanvas c = PlanCanvas(options, 161, 91, {1, 1});
  EXPECT_EQ(c.frame_width, 322);
  EXPECT_EQ(c.frame_height, 91);
  EXPECT_EQ(c.content_width, 161);
  EXPECT_EQ(c.window.width, 161);
  EXPECT_TRUE(c.exact);
  // The right eye begins at an odd column: no chroma sample is its own.
  EXPECT_EQ(PackedFormat(LayoutOf(options), c, PixelFormat::Yuv(420, 10)),
            PixelFormat::Yuv(444, 10));
  EXPECT_EQ(PackedFormat(LayoutOf(options), c, PixelFormat::Rgb(8)), PixelFormat::Rgb(8));
  EXPECT_EQ(
      PackedFormat(LayoutOf(options), PlanCanvas(options, 160, 91, {1, 1}), PixelFormat::Yuv(420)),
      PixelFormat::Yuv(420));

  options.layout = "tab";
  c = PlanCanvas(options, 161, 91, {1, 1});
  EXPECT_EQ(c.frame_width, 161);
  EXPECT_EQ(c.frame_height, 182);
  EXPECT_EQ(PackedFormat(LayoutOf(options), c, PixelFormat::Yuv(420)), PixelFormat::Yuv(444));
  EXPECT_EQ(PackedFormat(LayoutOf(options), c, PixelFormat::Yuv(422)), PixelFormat::Yuv(422));

  options.layout = "half-sbs";  // a view that is squeezed must be even
  c = PlanCanvas(options, 163, 91, {1, 1});
  EXPECT_EQ(c.frame_width, 160);
  EXPECT_EQ(c.frame_height, 91);
  options.frame_height = 90;  // as any with a size
  EXPECT_EQ(PlanCanvas(options, 163, 91, {1, 1}).frame_height, 90);
}

TEST(ViewLayout, RefusesWhatCannotBe) {
  for (const auto& spoil : {+[](CanvasOptions* o) { o->frame_width = 2562; },
                            +[](CanvasOptions* o) { o->frame_height = 1081; },
                            +[](CanvasOptions* o) { o->frame_width = 20000; },
                            +[](CanvasOptions* o) { o->eye_width = 1280; },
                            +[](CanvasOptions* o) {
                              o->frame_width = 2560;
                              o->eye_width = 1280;
                              o->eye_height = 720;
                            },
                            +[](CanvasOptions* o) { o->picture_width = 100; },
                            +[](CanvasOptions* o) { o->layout = "three"; },
                            +[](CanvasOptions* o) {
                              o->layout = "views";
                              o->views = 1;
                            },
                            +[](CanvasOptions* o) {
                              o->layout = "quilt";
                              o->quilt_rows = 33;
                            },
                            +[](CanvasOptions* o) {
                              o->layout = "quilt";
                              o->quilt_columns = o->quilt_rows = 1;
                            },
                            +[](CanvasOptions* o) {
                              o->layout = "views";
                              o->view_span = NAN;
                            }}) {
    CanvasOptions options;
    spoil(&options);
    EXPECT_THROW(PlanCanvas(options, 640, 360, {1, 1}), Error);
  }
  EXPECT_THROW(PlanCanvas({}, 1, 1, {1, 1}), Error);
  EXPECT_THROW(PlanCanvas({}, 20000, 100, {1, 1}), Error);
  Image image(PixelFormat::Gray(8), 8, 8);
  EXPECT_THROW(PaintPadding(PlanCanvas({}, 64, 64, {1, 1}), false, image.mutable_view()), Error);
}

}  // namespace
}  // namespace mdvt::test
