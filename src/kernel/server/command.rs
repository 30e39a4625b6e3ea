//! A command of the operating system whose output is a secret. The wait for it ends with the statement: when it is
//! cancelled, times out or the server goes down.

#![allow(unsafe_code)]

use std::io::Read;
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgrx::pg_sys;
use zeroize::Zeroizing;

use crate::kernel::server::slot;

/// A command that is killed when the wait for it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // If the command has ended already, this only reaps its process.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `command` in a shell and returns what it writes to its standard output, at most `limit` bytes; Err: why there
/// is no output, for the server's operator, without any part of the output. The command's standard error goes to the
/// server's log.
pub fn output(command: &str, limit: usize, timeout: Duration) -> Result<Zeroizing<Vec<u8>>, String> {
    // The length of a wait does not depend on the wall clock.
    #[allow(clippy::disallowed_methods)]
    let started = Instant::now();
    let child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it could not be started: {error}"))?;
    let mut running = Running(child);
    let Some(mut pipe) = running.0.stdout.take() else { return Err("it has no output".into()) };
    // Allocated in full at once: a vector that grows leaves copies behind.
    let mut buffer = Zeroizing::new(vec![0; limit + 1]);
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).filter(|room| !room.is_empty());
        let Some(room) = room else { return Err(format!("it wrote more than {limit} bytes")) };
        if wait(pipe.as_raw_fd()) {
            match pipe.read(room) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) => return Err(format!("its output could not be read: {error}")),
            }
        } else if started.elapsed() >= timeout {
            return Err(format!("it took longer than {} s", timeout.as_secs()));
        }
    }
    loop {
        match running.0.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => return Err(format!("it failed: {status}")),
            Ok(None) if started.elapsed() >= timeout => {
                return Err(format!("it took longer than {} s", timeout.as_secs()));
            }
            Ok(None) => slot::wait_for(5),
            Err(error) => return Err(format!("its end is not known: {error}")),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Waits up to 100 ms; true if the file became readable. Raises if the statement is cancelled.
fn wait(readable: i32) -> bool {
    let events =
        pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH | pg_sys::WL_SOCKET_READABLE;
    // SAFETY: the backend's own latch, and a file that is open.
    let happened = unsafe {
        let happened = pg_sys::WaitLatchOrSocket(
            pg_sys::MyLatch,
            events as i32,
            readable,
            100,
            pg_sys::PG_WAIT_EXTENSION,
        );
        if happened & pg_sys::WL_LATCH_SET as i32 != 0 {
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
        happened
    };
    pgrx::check_for_interrupts!();
    happened & pg_sys::WL_SOCKET_READABLE as i32 != 0
}
