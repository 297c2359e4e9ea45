/** Makes what code of the application's has thrown an uncaught exception, without stopping what goes on here. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
