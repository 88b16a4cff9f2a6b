// SPDX-License-Identifier: Apache-2.0
//
// Everything that a piece of work writes appears at once or not at all:
//
//   OutputSet outputs;
//   outputs.AddInput("clip.mp4");
//   VideoWriter video(outputs.AddFile("stereo.mkv"), format, width, height);
//   const OutputFolder clouds = outputs.AddFolder("clouds");
//   ...
//   WritePly(clouds.AddFile("0000000.ply"), cloud);
//   video.Finish();
//   outputs.CommitAll();
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace mdvt {

struct StagedFile;
struct OutputSetState;

// Where a writer puts its file. A plain path: the file appears there by itself when the writer has
// finished. A file of an OutputSet: it appears with the others of its set.
class OutputTarget {
 public:
  OutputTarget(std::string path) : path_(std::move(path)) {}  // NOLINT(google-explicit-constructor)
  OutputTarget(const char* path) : path_(path) {}             // NOLINT(google-explicit-constructor)

  // As the caller named it; messages name this, never the hidden file.
  const std::string& path() const { return path_; }
  bool is_in_set() const { return file_ != nullptr; }
  // A second file that belongs to this one, in the same set if this is in one.
  OutputTarget Beside(const std::string& path) const;

 private:
  friend struct OutputSetState;
  friend class OutputFile;
  OutputTarget(std::string path, std::shared_ptr<StagedFile> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  std::shared_ptr<StagedFile> file_;
};

// A folder of an OutputSet. May be copied; lives no longer than its set.
class OutputFolder {
 public:
  // The file folder/name. Throws as OutputSet::AddFile(). May be called from several threads.
  OutputTarget AddFile(const std::string& name) const;

 private:
  friend struct OutputSetState;
  OutputSetState* set_ = nullptr;
  size_t area_ = 0;
  std::string path_;     // as the caller named it
  std::string missing_;  // the part of it that is made by CommitAll(), empty if it is there
};

// The outputs of one piece of work. Files are written into hidden folders named .mdvt-..., each
// beside the places where its files will be. CommitAll() moves them there; whatever goes wrong
// before its end, a kill or a power cut included, what was there before is there again: at once,
// or, where the process could not do it any more, when the next set with an output in that folder
// is made, which also removes what killed processes have left. Hidden folders of processes that
// still run are never touched: their owners hold a lock on them.
//
// A symbolic link under an output's name stays, and the file it leads to is replaced. A file that
// is replaced passes on its permissions.
class OutputSet {
 public:
  // overwrite  false: an output that exists, now or when CommitAll() gets to it, is Error(kIo).
  explicit OutputSet(bool overwrite = true);
  ~OutputSet();
  OutputSet(const OutputSet&) = delete;
  OutputSet& operator=(const OutputSet&) = delete;

  // A file that is read meanwhile and must not be replaced; "" is passed over. Call before the
  // outputs are added.
  void AddInput(const std::string& path);

  // Every writer made for the target has to finish before CommitAll(). Throws
  //   Error(kInvalidArgument)  not a file name, a folder, a device; one of the inputs or another
  //                            output, under whatever names (links, "./")
  //   Error(kIo)               no such folder, or no file can be made there; exists and may not be
  //                            overwritten; is read-only
  OutputTarget AddFile(const std::string& path);

  // A folder for many files, beside those that are in it already. It and those above it are made by
  // CommitAll() if they are not there. Throws Error(kIo).
  OutputFolder AddFolder(const std::string& path);

  // Throws Error(kIo) that names the output; nothing has changed then. Error(kInvalidArgument) if a
  // writer has not finished.
  void CommitAll();

 private:
  std::unique_ptr<OutputSetState> state_;
};

}  // namespace mdvt
