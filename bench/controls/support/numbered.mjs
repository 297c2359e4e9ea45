/** Messages of a given size that begin with their number, 0 onwards, as 32 bits little-endian. */
export function numbered() {
  let number = 0;
  return (bytes) => {
    const message = Buffer.alloc(bytes);
    message.writeUInt32LE(number++);
    return message;
  };
}
