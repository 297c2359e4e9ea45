/** What the runtime needs of the thread it runs on. */
export interface RuntimeHost {
  /** Waits a moment for records; true when there are some. Blocks the thread: timers and I/O wait meanwhile. */
  waitForRecords(): boolean;
  /** Marks the worker as parked; false when records came in meanwhile. */
  park(): boolean;
  /** The worker wakes by itself: it counts as awake, and the I/O thread looks after it from here on. */
  stir(): void;
  /** The handler's code has come back, or is called anew. */
  step(): void;
  /** Tells the I/O thread that replies are there, if it sleeps. */
  notifyIoThread(): void;
  /** A `Stop` record came: no more records follow. */
  stopped(): void;
}
