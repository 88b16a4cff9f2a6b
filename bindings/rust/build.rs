// SPDX-License-Identifier: Apache-2.0
//! Finds libmdvt: in the folder MDVT_LIB_DIR, else where pkg-config says.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=MDVT_LIB_DIR");
    println!("cargo:rerun-if-env-changed=MDVT_INCLUDE_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    let folder = |variable: &str, of_package: &str| {
        env::var(variable).unwrap_or_else(|_| ask_pkg_config(of_package, variable))
    };
    let libraries = folder("MDVT_LIB_DIR", "libdir");
    println!("cargo:rustc-link-search=native={libraries}");
    println!("cargo:rustc-link-lib=dylib=mdvt");
    // For the crate's own tests and examples. Programs that use the crate get the folder as
    // DEP_MDVT_LIB and decide for themselves.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{libraries}");
    println!("cargo:lib={libraries}");
    println!(
        "cargo:rustc-env=MDVT_INCLUDE_DIR={}",
        folder("MDVT_INCLUDE_DIR", "includedir")
    );
}

fn ask_pkg_config(what: &str, variable: &str) -> String {
    let output = Command::new("pkg-config")
        .arg(format!("--variable={what}"))
        .arg("mdvt")
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => {
            eprintln!(
                "libmdvt was not found. Install mdvt, and set PKG_CONFIG_PATH to the folder that \
                 holds mdvt.pc, or {variable} to its folder."
            );
            std::process::exit(1);
        }
    }
}
