/** What VitePress is told of the site: site.mjs puts this file, and sidebar.json, beside the pages. */
import { readFileSync } from 'node:fs';

export default {
  title: 'shardhub',
  description: 'A worker-thread sharded WebSocket hub for Node.js',
  // As GitHub calls headings, whose names the pages link to.
  markdown: {
    // The pages have none, and what stands in angle brackets is text.
    html: false,
    anchor: {
      slugify: (heading) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
    },
  },
  themeConfig: {
    sidebar: JSON.parse(readFileSync(new URL('sidebar.json', import.meta.url), 'utf8')),
    outline: [2, 3],
    // In the page itself: nothing is asked of anybody else.
    search: { provider: 'local' },
  },
};
