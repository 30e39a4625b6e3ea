//! Leads calls of the server that the binding makes for errors to src/kernel/server/shortage.rs, which says why.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        for function in ["errstart", "CopyErrorData"] {
            println!("cargo::rustc-cdylib-link-arg=-Wl,--wrap={function}");
        }
        // To this library's own, whatever another library has by the same name.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    }
}
