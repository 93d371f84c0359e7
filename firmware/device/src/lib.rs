//! The core next to the pins: inputs, interlock, pulses, engine and link, generic over embedded-hal.
