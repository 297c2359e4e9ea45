/** 50,000 connections that end at random points. SHARDHUB_CHURN sets how many (`npm run soak` takes 500,000). */
import { test } from 'vitest';
import { churnTimeoutMs, leaveNothingBehind } from '../support/faults/churned-hub.js';

const COUNT = Number(process.env.SHARDHUB_CHURN ?? 50_000);

test(
  `${COUNT} connections that end at random points leave nothing behind`,
  {
    timeout: 2 * churnTimeoutMs(COUNT),
  },
  () => leaveNothingBehind(COUNT),
);
