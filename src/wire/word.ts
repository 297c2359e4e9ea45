/**
 * Words of the control block, one cache line apart so that the two threads do not share lines.
 *
 * This and its neighbours are modules to be imported as namespaces (`import * as Word from './word.js'`): V8 takes the
 * exports of a module for constants, while the properties of an imported object are looked up each time.
 */

/** Written by the I/O thread: inbound records before this position may be read. */
export const InHead = 0;
/**
 * Written by the worker: every inbound record that ends at or before this position has been taken. The I/O thread changes it
 * when it gives a worker up, which then takes nothing more.
 */
export const InTaken = 16;
/** Written by the worker: it reads nothing before this position any more. */
export const InReleased = 32;
/** Written by the worker: replies before this position are committed. */
export const OutHead = 48;
/** Written by the I/O thread: replies before this position have been applied. */
export const OutReleased = 64;
/** One of `WorkerSleep`: how the worker wants to be woken when `InHead` moves (doorbell.ts). */
export const WorkerSleep = 80;
/** One of `IoSleep`: whether the I/O thread wants to be woken when `OutHead` moves, or `InReleased` too (doorbell.ts). */
export const IoSleep = 96;
/** 1 while the worker waits in `Atomics.wait` for `OutReleased` to move. */
export const WorkerBlocked = 112;
/** Counted up by the worker where the handler's code has come back, or is called anew, and `InTaken` does not show it. */
export const Steps = 128;
/** 1 once the I/O thread has asked the worker to hand over: what it may not begin any more is not for it to die of. */
export const HandOver = 144;
