//! What can carry a device: the pins of each body, and what each of them can do. Knows no line.

/// What carries the device core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// No board at all: as many pins as a chip has, each of which can do anything.
    Simulator,
    /// A Raspberry Pi Pico.
    Rp2040,
    /// A Raspberry Pi Pico 2, pin for pin the same.
    Rp2350,
    /// A Raspberry Pi.
    Pi,
}

/// How bytes get to a chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkPort {
    /// Over its USB socket.
    #[default]
    Usb,
    /// Over [`UART_PINS`].
    Uart,
}

/// The pins a link over UART has on a Pico, GPIO 0 sending and GPIO 1 receiving: the board's own default UART. The image
/// keeps them for it, whether it is used or not.
const UART_PINS: [u8; 2] = [0, 1];
/// The analog inputs brought out on a Pico. A fourth, GPIO 29, measures its supply.
const ADC_PINS: [u8; 3] = [26, 27, 28];
/// The slices of the PWM block; every slice has one frequency for its two pins (RP2040 datasheet 4.5.2, RP2350 12.5.2).
const PWM_SLICES: u8 = 8;

impl Body {
    /// Every body, as written in a rig-config.
    pub(super) const WORDS: [(&'static str, Self); 4] =
        [("simulator", Self::Simulator), ("rp2040", Self::Rp2040), ("rp2350", Self::Rp2350), ("pi", Self::Pi)];

    /// As written in a rig-config.
    pub(super) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, body)| *body == self).map_or("", |(word, _)| word)
    }

    fn is_pico(self) -> bool {
        matches!(self, Self::Rp2040 | Self::Rp2350)
    }

    /// The last pin there is, counted from 0.
    pub(super) fn last_pin(self) -> u8 {
        match self {
            Self::Simulator | Self::Rp2040 | Self::Rp2350 => 29,
            Self::Pi => 27,
        }
    }

    /// What a pin is taken for by the board itself, so that no line can be on it.
    pub(super) fn taken(self, pin: u8) -> Option<&'static str> {
        match pin {
            _ if !self.is_pico() => None,
            23 => Some("the board's power supply has it"),
            24 => Some("the board senses its USB voltage with it"),
            25 => Some("the board's own light is on it"),
            29 => Some("the board measures its supply with it"),
            pin if UART_PINS.contains(&pin) => Some("the board's serial port is on it, whichever cord is used"),
            _ => None,
        }
    }

    /// Whether a pin can be an analog line.
    pub(super) fn is_analog(self, pin: u8) -> bool {
        match self {
            Self::Simulator => true,
            Self::Rp2040 | Self::Rp2350 => ADC_PINS.contains(&pin),
            Self::Pi => false,
        }
    }

    /// The clock that pulse-width modulation divides; none of a body that has none. A simulator takes the Pico's.
    pub(super) fn pwm_clock_hz(self) -> Option<u32> {
        match self {
            Self::Simulator | Self::Rp2040 => Some(200_000_000),
            Self::Rp2350 => Some(150_000_000),
            Self::Pi => None,
        }
    }

    /// What lines with frequencies of their own must not share; none where every line is by itself.
    pub(super) fn slice(self, pin: u8) -> Option<u8> {
        self.is_pico().then_some(pin / 2 % PWM_SLICES)
    }

    /// The voltage of the highest raw value of an analog line, in µV: the supply of its converter.
    pub(crate) fn reference_uv(self) -> i64 {
        3_300_000
    }
}

#[cfg(test)]
mod tests {
    use super::Body;

    #[test]
    fn the_clocks_are_those_of_the_chips() {
        for (body, chip) in [
            (Body::Rp2040, include_str!("../../../../firmware/rp2040/src/chip/rp2040.rs")),
            (Body::Rp2350, include_str!("../../../../firmware/rp2040/src/chip/rp2350.rs")),
        ] {
            let line = chip.lines().find(|line| line.contains("const CORE_HZ: u32 ="));
            let digits: String = line.into_iter().flat_map(str::chars).skip_while(|c| *c != '=').collect();
            let hertz: String = digits.chars().filter(char::is_ascii_digit).collect();
            assert_eq!(body.pwm_clock_hz().map(|hz| hz.to_string()), Some(hertz), "{body:?}");
        }
    }
}
