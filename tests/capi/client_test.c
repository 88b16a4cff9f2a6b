/* SPDX-License-Identifier: Apache-2.0
 *
 * A program in plain C99 that knows nothing but mdvt.h: it writes a clip and its depth, reads both
 * back, renders a frame, runs a job to its end and cancels another. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mdvt.h"

enum { WIDTH = 64, HEIGHT = 48, FRAMES = 8, RATE = 24 };

static int failures = 0;

static void check(int condition, const char* what, int line) {
  if (condition) return;
  fprintf(stderr, "line %d: %s does not hold; last error: %s\n", line, what, mdvt_last_error());
  ++failures;
}
#define CHECK(condition) check((condition), #condition, __LINE__)
#define CHECK_OK(call) check((call) == MDVT_OK, #call, __LINE__)

static unsigned char luma(int frame, int x, int y) {
  return (unsigned char)(16 + (x * 7 + y * 3 + frame * 5) % 219);
}
static float metres(int x, int y) { return x >= 24 && x < 40 && y >= 16 && y < 32 ? 1.5f : 5.0f; }

static void write_clip(const char* path) {
  static unsigned char y_plane[HEIGHT][WIDTH];
  static unsigned char chroma[2][HEIGHT / 2][WIDTH / 2];
  const mdvt_pixel_format yuv420p = {MDVT_MODEL_YUV, MDVT_SAMPLE_U8, 8, 1, 1, {0, 0, 0}};
  mdvt_video_writer_options options;
  mdvt_writer* writer;
  mdvt_frame frame;
  int i, x, y;
  mdvt_video_writer_options_init(&options);
  options.time_base.num = 1;
  options.time_base.den = RATE;
  options.frame_rate.num = RATE;
  options.frame_rate.den = 1;
  CHECK_OK(mdvt_video_writer_open(path, &yuv420p, WIDTH, HEIGHT, &options, &writer));
  memset(chroma, 128, sizeof(chroma));
  mdvt_frame_init(&frame);
  frame.image.format = yuv420p;
  frame.image.width = WIDTH;
  frame.image.height = HEIGHT;
  frame.image.data[0] = y_plane;
  frame.image.data[1] = chroma[0];
  frame.image.data[2] = chroma[1];
  frame.image.stride[0] = WIDTH;
  frame.image.stride[1] = frame.image.stride[2] = WIDTH / 2;
  frame.duration = 1;
  for (i = 0; i < FRAMES; ++i) {
    for (y = 0; y < HEIGHT; ++y)
      for (x = 0; x < WIDTH; ++x) y_plane[y][x] = luma(i, x, y);
    frame.pts = i;
    CHECK_OK(mdvt_writer_write(writer, &frame));
  }
  CHECK_OK(mdvt_writer_finish(writer));
  mdvt_writer_close(writer);
}

static void read_clip(const char* path) {
  mdvt_reader* reader;
  mdvt_video_info info;
  mdvt_frame frame;
  mdvt_status status;
  int frames = 0, x, y;
  CHECK_OK(mdvt_video_reader_open(path, NULL, &reader));
  mdvt_video_info_init(&info);
  CHECK_OK(mdvt_reader_info(reader, &info));
  CHECK(info.width == WIDTH && info.height == HEIGHT);
  CHECK(info.frame_rate.num == (int64_t)RATE * info.frame_rate.den);
  mdvt_frame_init(&frame);
  while ((status = mdvt_reader_read(reader, &frame)) == MDVT_OK) {
    const unsigned char* row = (const unsigned char*)frame.image.data[0];
    int same = 1;
    for (y = 0; y < HEIGHT; ++y, row += frame.image.stride[0])
      for (x = 0; x < WIDTH; ++x) same = same && row[x] == luma(frames, x, y);
    CHECK(same);
    CHECK(fabs((double)(frame.pts * info.time_base.num) / (double)info.time_base.den -
               (double)frames / RATE) < 0.001);
    ++frames;
  }
  CHECK(status == MDVT_END);
  CHECK(frames == FRAMES);
  mdvt_reader_close(reader);
}

static mdvt_image depth_image(float* pixels) {
  mdvt_image image;
  memset(&image, 0, sizeof(image));
  image.format.model = MDVT_MODEL_GRAY;
  image.format.sample_type = MDVT_SAMPLE_F32;
  image.format.bits = 32;
  image.width = WIDTH;
  image.height = HEIGHT;
  image.data[0] = pixels;
  image.stride[0] = WIDTH * (int64_t)sizeof(float);
  return image;
}

static mdvt_image rgb_image(unsigned char* pixels) {
  mdvt_image image;
  int i;
  memset(&image, 0, sizeof(image));
  image.format.model = MDVT_MODEL_RGB;
  image.format.sample_type = MDVT_SAMPLE_U8;
  image.format.bits = 8;
  image.width = WIDTH;
  image.height = HEIGHT;
  for (i = 0; i < 3; ++i) {
    image.data[i] = pixels + i * WIDTH * HEIGHT;
    image.stride[i] = WIDTH;
  }
  return image;
}

static void fill_depth(float* pixels) {
  int x, y;
  for (y = 0; y < HEIGHT; ++y)
    for (x = 0; x < WIDTH; ++x) pixels[y * WIDTH + x] = metres(x, y);
}

static void code_depth(void) {
  static float depth[WIDTH * HEIGHT], back[WIDTH * HEIGHT];
  static unsigned char encoded[3 * WIDTH * HEIGHT];
  mdvt_depth_codec codec;
  mdvt_image depth_pixels = depth_image(depth), back_pixels = depth_image(back),
             rgb = rgb_image(encoded);
  int i;
  fill_depth(depth);
  depth[0] = 0;
  depth[1] = (float)NAN;
  mdvt_depth_codec_init(&codec);
  codec.max_depth = 20;
  CHECK_OK(mdvt_depth_encode(&codec, &depth_pixels, &rgb));
  CHECK_OK(mdvt_depth_decode(&codec, &rgb, &back_pixels));
  CHECK(back[0] == 0 && back[1] == 0);
  for (i = 2; i < WIDTH * HEIGHT; ++i)
    if (fabsf(back[i] - depth[i]) > 20.0f / 64517) break;
  CHECK(i == WIDTH * HEIGHT);
  CHECK(mdvt_depth_encode(&codec, &depth_pixels, NULL) == MDVT_INVALID_ARGUMENT);
  CHECK(strstr(mdvt_last_error(), "encoded") != NULL);
}

static void write_depth(const char* path) {
  static float depth[WIDTH * HEIGHT];
  mdvt_video_writer_options video;
  mdvt_depth_writer_options options;
  mdvt_writer* writer;
  mdvt_frame frame;
  int i;
  mdvt_video_writer_options_init(&video);
  video.time_base.num = 1;
  video.time_base.den = RATE;
  video.frame_rate.num = RATE;
  video.frame_rate.den = 1;
  mdvt_depth_writer_options_init(&options);
  options.video = &video;
  options.xfov_deg = 60;
  CHECK_OK(mdvt_depth_writer_open(path, WIDTH, HEIGHT, &options, &writer));
  fill_depth(depth);
  mdvt_frame_init(&frame);
  frame.image = depth_image(depth);
  frame.duration = 1;
  for (i = 0; i < FRAMES; ++i) {
    frame.pts = i;
    CHECK_OK(mdvt_writer_write(writer, &frame));
  }
  CHECK_OK(mdvt_writer_finish(writer));
  mdvt_writer_close(writer);
}

static void render(void) {
  static float depth[WIDTH * HEIGHT];
  static unsigned char color[3 * WIDTH * HEIGHT], eyes[2][3 * WIDTH * HEIGHT],
      mask[3 * WIDTH * HEIGHT];
  const mdvt_camera camera = {WIDTH, HEIGHT, 55.4, 55.4, WIDTH / 2.0, HEIGHT / 2.0};
  mdvt_image depth_pixels = depth_image(depth), color_pixels = rgb_image(color);
  mdvt_stereo_options stereo;
  mdvt_renderer_options options;
  mdvt_renderer* renderer;
  mdvt_eye left, right;
  int i, holes = 0, differ = 0;
  fill_depth(depth);
  for (i = 0; i < 3 * WIDTH * HEIGHT; ++i) color[i] = (unsigned char)(64 + i * 31 % 128);
  mdvt_stereo_options_init(&stereo);
  stereo.baseline = 0.3;
  mdvt_renderer_options_init(&options);
  options.stereo = &stereo;
  CHECK_OK(mdvt_renderer_create(&options, &renderer));
  mdvt_eye_init(&left);
  mdvt_eye_init(&right);
  left.image = rgb_image(eyes[0]);
  left.mask = rgb_image(mask);
  right.image = rgb_image(eyes[1]);
  CHECK_OK(mdvt_renderer_render(renderer, &color_pixels, &depth_pixels, &camera, 5, &left, &right));
  for (i = 0; i < WIDTH * HEIGHT; ++i) {
    holes += mask[i] != 0;
    differ += eyes[0][i] != eyes[1][i];
    CHECK(eyes[0][i] != 0); /* every hole is filled */
  }
  CHECK(holes > 0);
  CHECK(differ > 0);
  mdvt_renderer_destroy(renderer);

  /* No distance between the eyes: the picture itself. */
  stereo.baseline = 0;
  CHECK_OK(mdvt_renderer_create(&options, &renderer));
  CHECK_OK(mdvt_renderer_render(renderer, &color_pixels, &depth_pixels, &camera, 5, &left, &right));
  CHECK(memcmp(color, eyes[0], sizeof(color)) == 0);
  CHECK(memcmp(color, eyes[1], sizeof(color)) == 0);
  mdvt_renderer_destroy(renderer);
}

typedef struct {
  int64_t frames_done;
  int calls;
  int32_t answer;
} progress_log;

static int32_t on_progress(void* user, const mdvt_progress* progress) {
  progress_log* log = (progress_log*)user;
  log->frames_done = progress->frames_done;
  ++log->calls;
  return log->answer;
}

static void run_jobs(const char* color, const char* depth, const char* output) {
  mdvt_options* options;
  mdvt_job* job;
  int64_t frames;
  double hole_share;
  const char* path;
  progress_log log = {0, 0, 0};
  FILE* file;
  CHECK_OK(mdvt_options_new("stereo_rerender", &options));
  CHECK_OK(mdvt_options_set_text(options, "color_video", color));
  CHECK_OK(mdvt_options_set_text(options, "depth_video", depth));
  CHECK_OK(mdvt_options_set_text(options, "output", output));
  CHECK_OK(mdvt_options_set_number(options, "pupillary_distance", 65));

  log.answer = 1;
  CHECK_OK(mdvt_job_create(options, &job));
  CHECK(mdvt_job_run(job, on_progress, &log) == MDVT_CANCELLED);
  CHECK(log.calls == 1);
  mdvt_job_destroy(job);
  file = fopen(output, "rb");
  CHECK(file == NULL);
  if (file != NULL) fclose(file);

  log.answer = 0;
  CHECK_OK(mdvt_job_create(options, &job));
  mdvt_options_free(options);
  CHECK_OK(mdvt_job_run(job, on_progress, &log));
  CHECK(log.frames_done == FRAMES);
  CHECK_OK(mdvt_job_frames(job, &frames));
  CHECK(frames == FRAMES);
  CHECK_OK(mdvt_job_output(job, 0, &path));
  CHECK(path != NULL && strcmp(path, output) == 0);
  CHECK_OK(mdvt_job_report_number(job, "hole_share", &hole_share));
  CHECK(hole_share > 0 && hole_share < 1);
  mdvt_job_destroy(job);
  CHECK(remove(output) == 0);
}

/* What a program that makes a form of any tool needs to know. */
static void list_tools(void) {
  mdvt_tool_info tool;
  mdvt_option_info option;
  mdvt_options* options;
  int32_t i, k, count;
  CHECK(mdvt_tool_count() > 0);
  for (i = 0; i < mdvt_tool_count(); ++i) {
    mdvt_tool_info_init(&tool);
    CHECK_OK(mdvt_tool_info_get(i, &tool));
    CHECK_OK(mdvt_options_new(tool.name, &options));
    CHECK_OK(mdvt_option_count(options, &count));
    CHECK(count > 10);
    for (k = 0; k < count; ++k) {
      const char* value;
      mdvt_option_info_init(&option);
      CHECK_OK(mdvt_option_info_get(options, k, &option));
      CHECK(mdvt_options_get_text(options, option.name, &value) <= MDVT_OK);
      CHECK((value == NULL) <= (option.optional == 1));
    }
    mdvt_options_free(options);
  }
}

int main(void) {
  char folder[] = "/tmp/mdvt_client_XXXXXX";
  char color[64], depth[64], output[64];
  CHECK(mdvt_abi_version() == MDVT_ABI_VERSION);
  if (mkdtemp(folder) == NULL) return 1;
  snprintf(color, sizeof(color), "%s/clip.mkv", folder);
  snprintf(depth, sizeof(depth), "%s/clip_depth.mkv", folder);
  snprintf(output, sizeof(output), "%s/stereo.mkv", folder);
  write_clip(color);
  read_clip(color);
  code_depth();
  write_depth(depth);
  render();
  run_jobs(color, depth, output);
  list_tools();
  remove(color);
  remove(depth);
  CHECK(rmdir(folder) == 0); /* nothing else was left behind */
  printf("mdvt %s, ABI %d: %d failures\n", mdvt_version(), (int)mdvt_abi_version(), failures);
  return failures == 0 ? 0 : 1;
}
