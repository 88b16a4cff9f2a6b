/* SPDX-License-Identifier: Apache-2.0 */
#include <mdvt.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  enum { kWidth = 16, kHeight = 4 };
  static uint8_t color[kHeight][kWidth], left[kHeight][kWidth], right[kHeight][kWidth];
  static float depth[kHeight][kWidth];
  const mdvt_pixel_format gray = {MDVT_MODEL_GRAY, MDVT_SAMPLE_U8, 8, 0, 0, {0, 0, 0}};
  const mdvt_pixel_format metres = {MDVT_MODEL_GRAY, MDVT_SAMPLE_F32, 32, 0, 0, {0, 0, 0}};
  const mdvt_camera camera = {kWidth, kHeight, 8, 8, 8, 2};
  mdvt_image color_image, depth_image;
  mdvt_eye left_eye, right_eye;
  mdvt_stereo_options stereo;
  mdvt_renderer_options options;
  mdvt_renderer* renderer = NULL;
  mdvt_reader* reader = NULL;
  mdvt_options* tool = NULL;
  mdvt_job* job = NULL;
  int x, y;

  for (y = 0; y < kHeight; ++y) {
    for (x = 0; x < kWidth; ++x) {
      color[y][x] = (uint8_t)(10 * x);
      depth[y][x] = 2;
    }
  }
  memset(&color_image, 0, sizeof(color_image));
  color_image.format = gray;
  color_image.width = kWidth;
  color_image.height = kHeight;
  color_image.data[0] = color;
  color_image.stride[0] = kWidth;
  depth_image = color_image;
  depth_image.format = metres;
  depth_image.data[0] = depth;
  depth_image.stride[0] = kWidth * (int64_t)sizeof(float);
  mdvt_eye_init(&left_eye);
  mdvt_eye_init(&right_eye);
  left_eye.image = color_image;
  left_eye.image.data[0] = left;
  right_eye.image = color_image;
  right_eye.image.data[0] = right;

  mdvt_stereo_options_init(&stereo);
  stereo.baseline = 0.5;
  mdvt_renderer_options_init(&options);
  options.stereo = &stereo;
  if (mdvt_renderer_create(&options, &renderer) != MDVT_OK ||
      mdvt_renderer_render(renderer, &color_image, &depth_image, &camera, 0, &left_eye,
                           &right_eye) != MDVT_OK) {
    fprintf(stderr, "%s\n", mdvt_last_error());
    return 1;
  }
  mdvt_renderer_destroy(renderer);
  printf("ABI %s\n", mdvt_abi_version() == MDVT_ABI_VERSION ? "as in the header" : "differs");
  printf("source %d, left eye %d, right eye %d\n", color[2][8], left[2][8], right[2][8]);

  if (mdvt_video_reader_open("missing.mp4", NULL, &reader) == MDVT_NOT_FOUND && reader == NULL)
    printf("not found, and the text names the file: %s\n",
           strstr(mdvt_last_error(), "missing.mp4") != NULL ? "yes" : "no");

  if (mdvt_options_new("mono_to_sbs", &tool) != MDVT_OK ||
      mdvt_options_set_text(tool, "input", "missing.mp4") != MDVT_OK ||
      mdvt_job_create(tool, &job) != MDVT_OK) {
    fprintf(stderr, "%s\n", mdvt_last_error());
    return 1;
  }
  printf("a job by name: %s\n",
         mdvt_job_run(job, NULL, NULL) == MDVT_NOT_FOUND ? "its input is not found" : "no");
  if (mdvt_options_set_number(tool, "xfof", 60) == MDVT_INVALID_ARGUMENT)
    printf("%s\n", mdvt_last_error());
  mdvt_job_destroy(job);
  mdvt_options_free(tool);
  return 0;
}
