//! Mails, by a program that sends them as sendmail does.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::Front;

/// How long the program may take to take a mail.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a mail after the answer to the request, which so takes as long for an address that nobody has.
pub fn send(front: &'static Front, to: &str, subject: &str, text: &str) {
    let Some(program) = &front.settings.sendmail else { return };
    let Some(message) = message(&front.settings.mail_from, to, subject, text) else { return };
    tokio::spawn(async move {
        let handed = timeout(PATIENCE, hand(program, &message)).await;
        if let Err(why) = handed.unwrap_or_else(|_| Err("it took too long".to_owned())) {
            front.log.failure("", &format!("FRONT_SENDMAIL did not take a mail: {why}"));
        }
    });
}

async fn hand(program: &Path, message: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(["-t", "-i"]).stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(message.as_bytes()).await.map_err(|error| error.to_string())?;
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// The mail as a text; None where an address would be more than one header.
fn message(from: &str, to: &str, subject: &str, text: &str) -> Option<String> {
    if [from, to, subject].iter().any(|value| value.chars().any(char::is_control)) {
        return None;
    }
    let from = if from.is_empty() { String::new() } else { format!("From: {from}\n") };
    Some(format!(
        "{from}To: {to}\nSubject: {subject}\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}"
    ))
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn an_address_is_one_header() {
        let text = message("id@example.com", "ada@example.com", "Log in", "Hello.\n");
        assert!(
            text.is_some_and(
                |text| text.contains("\nTo: ada@example.com\n") && text.ends_with("\n\nHello.\n")
            )
        );
        assert!(message("", "ada@example.com\nBcc: eve@example.com", "Log in", "").is_none());
    }
}
