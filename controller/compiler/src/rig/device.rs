//! Reads how a rig's device is found: its number, its port, its link, its supply. Opens nothing.

use super::body::{Body, LinkPort};
use crate::diagnostic::Reporter;
use crate::fields;
use crate::yaml::Node;

/// Which device a rig means, and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceConfig {
    /// The board's unique number, which is its USB serial number too; none: whichever is found.
    pub id: Option<u64>,
    /// The port to open; none: looked for by the number.
    pub port: Option<String>,
    /// How bytes get to it.
    pub link: LinkPort,
}

/// Digits of a board's number.
const ID_DIGITS: usize = 16;

/// Reads `device`.
pub(super) fn read(node: Option<&Node>, body: Option<Body>, reporter: &mut Reporter) -> DeviceConfig {
    let mut device = DeviceConfig::default();
    let example = "device: {id: E6616408432C3527}";
    let Some(node) = node else { return device };
    if body == Some(Body::Simulator) {
        reporter
            .error("E054-device-on-simulator", fields::short(node), "a simulated rig has no device to look for")
            .help("leave `device` out, or name the body that carries it: `body: rp2040`");
        return device;
    }
    let Some(found) = fields::fields(node, "`device`", &["id", "port", "link"], example, reporter) else {
        return device;
    };
    if let Some(text) = found.get("id").and_then(|node| fields::text(node, "the board's number", example, reporter)) {
        device.id = Some(text.text.as_str())
            .filter(|digits| digits.len() == ID_DIGITS && digits.chars().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        if device.id.is_none() {
            reporter
                .error("E055-bad-id", text.span, format!("`{}` is not the number of a board", text.text))
                .help("it has 16 digits, 0 to 9 and A to F; `nosepoke devices` lists the boards that are attached");
        }
    }
    device.port = found
        .get("port")
        .and_then(|node| fields::text(node, "the port", "/dev/ttyACM0", reporter))
        .map(|t| t.text.clone());
    let links = [("usb", LinkPort::Usb), ("uart", LinkPort::Uart)];
    device.link =
        found.get("link").and_then(|node| fields::choice(node, "the link", &links, reporter)).unwrap_or_default();
    if let (LinkPort::Uart, None) = (device.link, &device.port) {
        let span = found.key("link").unwrap_or(node.span);
        reporter
            .error("E056-no-port", span, "a link over UART needs `port`: the adapter does not say what hangs on it")
            .help("add for instance `port: /dev/ttyUSB0`");
    }
    device
}
