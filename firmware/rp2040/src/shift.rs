//! Moving memory that overlaps, as the compiler asks for it when a queue closes a gap: what comes with the compiler takes
//! 1.3 KiB of RAM, and is called with a few words at a time. Owns the three names the compiler knows it by.
//!
//! By whole words where both ends lie on one, forwards or backwards as the ends demand; one byte at a time otherwise.

// Names that the compiler calls, in assembly.
#![allow(unsafe_code)]

use core::arch::global_asm;

global_asm!(
    ".section .text.nosepoke_shift, \"ax\", %progbits",
    ".global __aeabi_memmove",
    ".global __aeabi_memmove4",
    ".global __aeabi_memmove8",
    ".type __aeabi_memmove, %function",
    ".type __aeabi_memmove4, %function",
    ".type __aeabi_memmove8, %function",
    ".p2align 1",
    ".thumb_func",
    "__aeabi_memmove:",
    ".thumb_func",
    "__aeabi_memmove4:",
    ".thumb_func",
    "__aeabi_memmove8:",
    "    push {{r4, lr}}",
    "    movs r3, r0",
    "    orrs r3, r1",
    "    lsls r3, r3, #30", // not zero: an end lies within a word
    "    cmp r0, r1",
    "    bhi 4f",
    // Forwards: to a lower place.
    "    cmp r3, #0",
    "    bne 3f",
    "1:  subs r2, #4",
    "    blo 2f",
    "    ldmia r1!, {{r4}}",
    "    stmia r0!, {{r4}}",
    "    b 1b",
    "2:  adds r2, #4",
    "3:  subs r2, #1",
    "    blo 9f",
    "    ldrb r4, [r1]",
    "    strb r4, [r0]",
    "    adds r1, #1",
    "    adds r0, #1",
    "    b 3b",
    // Backwards: to a higher place. What is left over at the end goes first.
    "4:  cmp r3, #0",
    "    bne 7f",
    "5:  lsls r4, r2, #30",
    "    beq 6f",
    "    subs r2, #1",
    "    ldrb r4, [r1, r2]",
    "    strb r4, [r0, r2]",
    "    b 5b",
    "6:  subs r2, #4",
    "    blo 9f",
    "    ldr r4, [r1, r2]",
    "    str r4, [r0, r2]",
    "    b 6b",
    "7:  subs r2, #1",
    "    blo 9f",
    "    ldrb r4, [r1, r2]",
    "    strb r4, [r0, r2]",
    "    b 7b",
    "9:  pop {{r4, pc}}",
    ".size __aeabi_memmove, . - __aeabi_memmove",
);
