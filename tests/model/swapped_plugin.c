/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend that does nothing. Built with MDVT_MARK it tells that code of it ran, by a file of the
 * name that the environment variable MDVT_TEST_MARK gives. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "mdvt_backend.h"

#ifdef MDVT_MARK
__attribute__((constructor)) static void Mark(void) {
  const char* const path = getenv("MDVT_TEST_MARK");
  if (path == NULL) return;
  const int file = open(path, O_WRONLY | O_CREAT, 0644);
  if (file >= 0) close(file);
}
#endif

static const char* LastError(void) { return "does nothing"; }
static mdvt_backend_status Text(char** text) {
  *text = NULL;
  return MDVT_BACKEND_UNSUPPORTED;
}
static mdvt_backend_status ReadMetadata(const char* path, char** text) {
  (void)path;
  return Text(text);
}
static void FreeText(char* text) { (void)text; }
static mdvt_backend_status Open(const char* path, const mdvt_backend_options* options,
                                mdvt_backend_model** model) {
  (void)path, (void)options;
  *model = NULL;
  return MDVT_BACKEND_UNSUPPORTED;
}
static void Close(mdvt_backend_model* model) { (void)model; }
static mdvt_backend_status Run(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                               size_t num_inputs, mdvt_backend_tensor* outputs, size_t capacity,
                               size_t* num_outputs) {
  (void)model, (void)inputs, (void)num_inputs, (void)outputs, (void)capacity, (void)num_outputs;
  return MDVT_BACKEND_UNSUPPORTED;
}
static mdvt_backend_status CopyToHost(const mdvt_backend_buffer* buffer, float* values,
                                      size_t count) {
  (void)buffer, (void)values, (void)count;
  return MDVT_BACKEND_UNSUPPORTED;
}
static void FreeBuffer(mdvt_backend_buffer* buffer) { (void)buffer; }

const mdvt_backend* mdvt_backend_entry(int32_t abi) {
  static const char* const kExtensions[] = {".swap", NULL};
  static const mdvt_backend kTable = {.struct_size = sizeof(mdvt_backend),
                                      .abi = MDVT_BACKEND_ABI,
                                      .name = "swap",
                                      .version = "1",
                                      .extensions = kExtensions,
                                      .last_error = LastError,
                                      .read_metadata = ReadMetadata,
                                      .free_text = FreeText,
                                      .open = Open,
                                      .close = Close,
                                      .run = Run,
                                      .copy_to_host = CopyToHost,
                                      .free_buffer = FreeBuffer,
                                      .describe = Text};
  return abi == MDVT_BACKEND_ABI ? &kTable : NULL;
}
