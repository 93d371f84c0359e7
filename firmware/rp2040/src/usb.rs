//! The link over USB: a serial port that every system knows without a driver. Owns the driver of USB, which runs in
//! thread mode alone; its interrupt only wakes it.

use cortex_m::peripheral::NVIC;
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid};
use usbd_serial::SerialPort;

use crate::chip::USB_IRQ;
use crate::chip::hal::usb::UsbBus;

/// What Raspberry Pi gives to a serial port on its boards: systems know it, and it is used on such a board. A nosepoke is
/// told from others by its product name.
const IDS: UsbVidPid = UsbVidPid(0x2E8A, 0x000A);

/// USB as P2 uses it.
pub(crate) struct Usb {
    device: UsbDevice<'static, UsbBus>,
    serial: SerialPort<'static, UsbBus, [u8; 512], [u8; 1024]>,
}

impl Usb {
    /// A port whose serial number is `id`. None if the descriptors do not fit, which would be a fault of this image.
    pub(crate) fn new(bus: &'static UsbBusAllocator<UsbBus>, id: &'static str) -> Option<Self> {
        let serial = SerialPort::new_with_store(bus, [0; 512], [0; 1024]);
        let names = StringDescriptors::default().manufacturer("nosepoke").product("nosepoke").serial_number(id);
        let device = UsbDeviceBuilder::new(bus, IDS)
            .strings(&[names])
            .ok()?
            .max_packet_size_0(64)
            .ok()?
            .device_class(usbd_serial::USB_CLASS_CDC)
            .build();
        Some(Self { device, serial })
    }

    /// Does what the bus asks for.
    pub(crate) fn poll(&mut self) {
        self.device.poll(&mut [&mut self.serial]);
    }

    /// Whether a computer has set it up: otherwise nobody takes bytes.
    pub(crate) fn connected(&self) -> bool {
        self.device.state() == UsbDeviceState::Configured
    }

    /// Bytes heard: their number.
    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> usize {
        self.serial.read(bytes).unwrap_or(0)
    }

    /// Takes as many bytes as there is room for: their number.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let taken = self.serial.write(bytes).unwrap_or(0);
        // What does not go now goes with a later poll.
        let _ = self.serial.flush();
        taken
    }

    /// From here on the bus wakes us again.
    pub(crate) fn listen(&self) {
        // Sound: P2's own interrupt, which guards nothing.
        #[allow(unsafe_code)]
        unsafe {
            NVIC::unmask(USB_IRQ);
        }
    }
}

/// Wakes P2 and stays silent until it listens again: the cause is dealt with there.
pub(crate) extern "C" fn interrupt() {
    NVIC::mask(USB_IRQ);
}
