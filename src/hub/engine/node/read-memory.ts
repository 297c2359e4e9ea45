/**
 * The memory that all sockets read into, one after the other, and what takes a mask off in it with wide instructions: 16 KiB
 * in 0.5 µs, where words in JavaScript take 5.4 µs. So it is the memory of a WebAssembly module. I/O thread.
 */
import { farFrom } from '../../../wire/copy.js';

/** What uWebSockets.js takes at once from a socket: more in one read is less of what a read costs. */
const READ_BYTES = 512 * 1024;
/**
 * What is read is copied to the beginnings of other blocks, or to places on cache lines in them: no such copy is to be a slow one
 * (see `farFrom`). From a first message, behind its header of 6 to 14 bytes, the places are 34 to 42 bytes further into a line.
 */
const START = farFrom(0) + 32;
const WASM_PAGE_BYTES = 64 * 1024;
/**
 * (module
 *   (memory (import "m" "m") 1)
 *   (func (export "f") (param $at i32) (param $end i32) (param $mask i32) (result i32) (local $wide v128)
 *     (local.set $wide (i32x4.splat (local.get $mask)))
 *     (block (loop
 *       (br_if 1 (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
 *       (v128.store (local.get $at) (v128.xor (v128.load (local.get $at)) (local.get $wide)))
 *       (local.set $at (i32.add (local.get $at) (i32.const 16)))
 *       (br 0)))
 *     (local.get $at)))
 */
const MODULE =
  'AGFzbQEAAAABCAFgA39/fwF/AggBAW0BbQIAAQMCAQAHBQEBZgAACjcBNQEBeyAC/REhAwJAA0AgAEEQaiABSw0BIAAgAP0AAAAgA/1R/QsAACAAQRBqIQAMAAsLIAAL';

/**
 * Takes the mask off a range of the module's memory, 16 bytes at a time. @returns where it stopped, less than 16 before the end
 */
type UnmaskWide = (start: number, end: number, mask: number) => number;

/** As far as it is used here: its types come with those of browsers only. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly f: unknown } };
};

interface ReadMemory {
  readonly bytes: Buffer;
  readonly unmaskWide: UnmaskWide;
}

function makeMemory(): ReadMemory {
  try {
    const pages = Math.ceil((START + READ_BYTES) / WASM_PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(Buffer.from(MODULE, 'base64'));
    const { exports } = new WebAssembly.Instance(module, { m: { m: memory } });
    return { bytes: Buffer.from(memory.buffer, START, READ_BYTES), unmaskWide: exports.f as UnmaskWide };
  } catch {
    // Not without wide instructions, or where no machine code may be made: words do it too.
    return { bytes: Buffer.from(new ArrayBuffer(START + READ_BYTES), START), unmaskWide: (start) => start };
  }
}

const { bytes, unmaskWide: unmaskAt } = makeMemory();

export const readMemory = bytes;

/** Takes the mask off `readMemory[start…end)`, but for less than 16 bytes. @returns where it stopped. hot */
export function unmaskWide(start: number, end: number, mask: number): number {
  return unmaskAt(START + start, START + end, mask) - START;
}
