/** A shard that takes no notice of what its connections tell it. */
export const IDLE_SHARD = {
  index: 0,
  connectionGone() {},
  pushMessage() {},
  dropMessages() {},
  grantCredit() {},
  tellLost: () => true,
};
