fn main() {
    // The lock core alone needs no linking against Node.
    if std::env::var_os("CARGO_FEATURE_ADDON").is_some() {
        napi_build::setup();
    }
}
