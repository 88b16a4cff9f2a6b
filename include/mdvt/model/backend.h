// SPDX-License-Identifier: Apache-2.0
//
// The libraries that run networks: plug-ins mdvt_<name>.so with the functions of mdvt_backend.h.
// They are looked for and opened when a model first wants one, in this order, and stay open until
// the process ends:
//   the folders of MDVT_BACKEND_PATH (separated by colons; not read in a set-user-id program)
//   the folders that the program has named, see AddBackendFolder()
//   the folder of the library or program that holds mdvt, and mdvt below it
//   for a program in bin: ../lib, ../lib/mdvt and the same in the architecture's library folder
//   for the Python module in dist-packages/mdvt: the mdvt of the library folder around it
// A plug-in is a program: one that other users may change (it, its folder, or a folder above) is
// not opened. The owner of the file that holds mdvt and the superuser are no such others.
// All functions may be called from any thread.
#pragma once

#include <string>
#include <vector>

struct mdvt_backend;  // capi/mdvt_backend.h

namespace mdvt {

struct BackendInfo {
  std::string name;                     // "torch"
  std::string version;                  // "LibTorch 1.13.1"
  std::string path;                     // the plug-in; empty for one that was registered
  std::vector<std::string> extensions;  // ".pt", ...
};

// A file that has the name of a plug-in and is none, and why.
struct BackendFailure {
  std::string path;
  std::string reason;
};

// The folders in the order in which they are searched, whether they exist or not.
std::vector<std::string> BackendFolders();

// Plug-ins of this folder count too from now on, before those of the installation. Relative to the
// working folder of now. Throws Error(kInvalidArgument) for an empty name.
void AddBackendFolder(const std::string& folder);

// Opens every plug-in that is found (LibTorch takes 0.6 s) and tells what there is, by name; the
// first of a name counts. What cannot be opened goes to `failures`, if given.
std::vector<BackendInfo> AvailableBackends(std::vector<BackendFailure>* failures = nullptr);

// Adds a table that lives in the program itself, ahead of plug-ins; it is kept for ever. Throws
// Error(kInvalidArgument) if a function is missing, Error(kUnsupported) for another ABI number,
// Error(kRefused) if the name is taken by another table.
void RegisterBackend(const mdvt_backend* backend);

// The table of this name. Throws Error(kNotFound) that tells every folder looked at,
// Error(kUnsupported) if the plug-in cannot be opened or has another ABI.
const mdvt_backend* FindBackend(const std::string& name);
// The table that takes files of this ending (".pt", any case). Throws as above.
const mdvt_backend* FindBackendFor(const std::string& extension);

// What the backend says about itself: a JSON object. Throws as FindBackend, and Error(kInternal)
// for one that fails to.
std::string DescribeBackend(const std::string& name);

// Seconds of one n x n x n matrix product in float32 on the device, the best of three; 0 where
// the backend has none. num_threads 0 means one per core. 2 n^3 / seconds / 1e9 is GFLOP/s.
double TimeMatrixProduct(const std::string& backend, const std::string& device, int num_threads,
                         int n);

}  // namespace mdvt
