/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend in plain C, as an example: its "network" is a text file of five whole numbers, in
 * thousandths, and then the metadata:
 *
 *   luma 299 587 114 2000 100
 *   {"format": 1, "kind": "depth", ...}
 *
 * output = 2.000 * (0.299 R + 0.587 G + 0.114 B) + 0.100, a disparity: bright things are near. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mdvt_backend.h"

struct mdvt_backend_model {
  float weights[5];
};
struct mdvt_backend_buffer {
  size_t count;
  float values[1]; /* and more behind it */
};

static _Thread_local const char* last_error = "";
static mdvt_backend_status fail(mdvt_backend_status status, const char* text) {
  last_error = text;
  return status;
}

/* The first line to `weights`, the rest to *text unless that is NULL. */
static mdvt_backend_status read_file(const char* path, float* weights, char** text) {
  enum { LONGEST = 1 << 16 };
  char first[128];
  int n[5], i;
  FILE* file = fopen(path, "rb");
  if (file == NULL) return fail(MDVT_BACKEND_NOT_FOUND, "cannot be read");
  const char* const line = fgets(first, sizeof first, file);
  const int good =
      line && sscanf(line, "luma %d %d %d %d %d", &n[0], &n[1], &n[2], &n[3], &n[4]) == 5;
  for (i = 0; good && i < 5; ++i) weights[i] = (float)n[i] / 1000;
  if (good && text != NULL && (*text = calloc(1, LONGEST + 1)) != NULL)
    (void)!fread(*text, 1, LONGEST, file);
  fclose(file);
  if (!good) return fail(MDVT_BACKEND_CORRUPT, "does not begin with 'luma' and five numbers");
  if (text != NULL && *text == NULL) return fail(MDVT_BACKEND_OUT_OF_MEMORY, "out of memory");
  return MDVT_BACKEND_OK;
}

static const char* error_text(void) { return last_error; }
static void free_text(char* text) { free(text); }
static mdvt_backend_status read_metadata(const char* path, char** text) {
  float weights[5];
  *text = NULL;
  return read_file(path, weights, text);
}
static mdvt_backend_status open_model(const char* path, const mdvt_backend_options* options,
                                      mdvt_backend_model** model) {
  *model = NULL;
  if (strcmp(options->device, "cpu") != 0 || options->precision != MDVT_BACKEND_FP32)
    return fail(MDVT_BACKEND_UNSUPPORTED, "luma runs on cpu in fp32 only");
  mdvt_backend_model* made = malloc(sizeof *made);
  if (made == NULL) return fail(MDVT_BACKEND_OUT_OF_MEMORY, "out of memory");
  const mdvt_backend_status status = read_file(path, made->weights, NULL);
  if (status != MDVT_BACKEND_OK) {
    free(made);
    return status;
  }
  *model = made;
  return MDVT_BACKEND_OK;
}
static void close_model(mdvt_backend_model* model) { free(model); }
static void free_buffer(mdvt_backend_buffer* buffer) { free(buffer); }

static mdvt_backend_status run(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                               size_t num_inputs, mdvt_backend_tensor* outputs, size_t capacity,
                               size_t* num_outputs) {
  const float* const w = model->weights;
  const size_t rank = num_inputs == 1 ? inputs[0].rank : 0;
  size_t i, batch = 1;
  *num_outputs = 0;
  if ((rank != 4 && rank != 5) || inputs[0].shape[rank - 3] != 3 || capacity < 1)
    return fail(MDVT_BACKEND_INVALID_ARGUMENT,
                "takes one tensor [N, 3, H, W], or of windows [N, T, 3, H, W]");
  for (i = 0; i + 3 < rank; ++i) batch *= (size_t)inputs[0].shape[i];
  const size_t area = (size_t)(inputs[0].shape[rank - 2] * inputs[0].shape[rank - 1]);
  mdvt_backend_buffer* buffer = malloc(sizeof *buffer + batch * area * sizeof(float));
  if (buffer == NULL) return fail(MDVT_BACKEND_OUT_OF_MEMORY, "out of memory");
  buffer->count = batch * area;
  const float* in = inputs[0].data ? inputs[0].data : inputs[0].buffer->values;
  for (size_t b = 0, to = 0; b < batch; ++b, in += 3 * area)
    for (i = 0; i < area; ++i, ++to)
      buffer->values[to] =
          w[3] * (w[0] * in[i] + w[1] * in[area + i] + w[2] * in[2 * area + i]) + w[4];
  outputs[0] = inputs[0];
  outputs[0].name = NULL;
  outputs[0].shape[rank - 3] = 1;
  outputs[0].data = buffer->values;
  outputs[0].buffer = buffer;
  *num_outputs = 1;
  return MDVT_BACKEND_OK;
}

static mdvt_backend_status copy_to_host(const mdvt_backend_buffer* buffer, float* to, size_t n) {
  if (n != buffer->count) return fail(MDVT_BACKEND_INVALID_ARGUMENT, "another number of values");
  memcpy(to, buffer->values, n * sizeof *to);
  return MDVT_BACKEND_OK;
}

static mdvt_backend_status describe(char** json) {
  static const char text[] = "{\"version\": \"luma 1\", \"threads\": 1, \"devices\": [\"cpu\"]}";
  *json = malloc(sizeof text);
  if (*json == NULL) return fail(MDVT_BACKEND_OUT_OF_MEMORY, "out of memory");
  memcpy(*json, text, sizeof text);
  return MDVT_BACKEND_OK;
}

static const char* const extensions[] = {".luma", NULL};
/* Functions that are not named are not there. */
static const mdvt_backend table = {.struct_size = sizeof(mdvt_backend),
                                   .abi = MDVT_BACKEND_ABI,
                                   .name = "luma",
                                   .version = "luma 1",
                                   .extensions = extensions,
                                   .last_error = error_text,
                                   .read_metadata = read_metadata,
                                   .free_text = free_text,
                                   .open = open_model,
                                   .close = close_model,
                                   .run = run,
                                   .copy_to_host = copy_to_host,
                                   .free_buffer = free_buffer,
                                   .describe = describe};

const mdvt_backend* mdvt_backend_entry(int32_t abi) {
  return abi == MDVT_BACKEND_ABI ? &table : NULL;
}
