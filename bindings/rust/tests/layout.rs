// SPDX-License-Identifier: Apache-2.0
//! Structs and constants of `ffi` against the C compiler's, which reads `mdvt.h`.

use std::fmt::Write;
use std::process::Command;

#[test]
fn structs_and_constants_are_those_of_the_header() {
    let mut source = String::from(
        "#include <mdvt.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n",
    );
    let mut ours = String::new();
    for layout in mdvt::ffi::layouts() {
        let name = layout.name;
        writeln!(source, "  printf(\"{name} %zu\\n\", sizeof({name}));").unwrap();
        writeln!(ours, "{name} {}", layout.size).unwrap();
        for (field, offset) in layout.fields {
            writeln!(
                source,
                "  printf(\"{name}.{field} %zu\\n\", offsetof({name}, {field}));"
            )
            .unwrap();
            writeln!(ours, "{name}.{field} {offset}").unwrap();
        }
    }
    for (name, value) in mdvt::ffi::constants() {
        writeln!(source, "  printf(\"{name} %d\\n\", (int){name});").unwrap();
        writeln!(ours, "{name} {value}").unwrap();
    }
    writeln!(
        source,
        "  printf(\"ABI %d\\n\", MDVT_ABI_VERSION);\n  return 0;\n}}"
    )
    .unwrap();
    writeln!(ours, "ABI {}", mdvt::ffi::ABI_VERSION).unwrap();

    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (file, program) = (folder.join("layout.c"), folder.join("layout"));
    std::fs::write(&file, source).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled = Command::new(compiler)
        .arg("-std=c99")
        .arg(concat!("-I", env!("MDVT_INCLUDE_DIR")))
        .arg(&file)
        .arg("-o")
        .arg(&program)
        .status()
        .expect("a C compiler");
    assert!(compiled.success());
    let theirs = Command::new(&program).output().unwrap().stdout;
    assert_eq!(ours, String::from_utf8(theirs).unwrap());
    // SAFETY: no arguments.
    assert_eq!(
        unsafe { mdvt::ffi::mdvt_abi_version() },
        mdvt::ffi::ABI_VERSION
    );
}
