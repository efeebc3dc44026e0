// The launcher icons. Phones want PNGs and there is one drawing, icon.svg, so its few rects and lines are rasterised here:
// forty lines instead of an image library in every build.
import { deflateSync, crc32 } from "node:zlib";

const attribute = (tag, name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];
const number = (tag, name) => Number(attribute(tag, name) ?? 0);
const colour = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** The shapes of icon.svg, each with its signed distance to a point (negative inside), in the drawing's own units. */
function shapes(svg, square) {
  return [...svg.matchAll(/<(rect|line)\b[^>]*>/g)].map(([tag, kind]) => {
    if (kind === "rect") {
      const half = number(tag, "width") / 2;
      const radius = square ? 0 : number(tag, "rx");
      const distance = (x, y) => {
        const dx = Math.abs(x - half) - half + radius;
        const dy = Math.abs(y - half) - half + radius;
        return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius;
      };
      return { distance, rgb: colour(attribute(tag, "fill")) };
    }
    const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map((name) => number(tag, name));
    const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
    const distance = (x, y) => {
      const along = Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
      return Math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)) - number(tag, "stroke-width") / 2;
    };
    return { distance, rgb: colour(attribute(tag, "stroke")) };
  });
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const size = Buffer.alloc(4);
  const check = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, check]);
}

/** The drawing as a PNG of `size` pixels; `square` fills the corners, for platforms that cut their own shape. */
export function png(svg, size, square) {
  const drawn = shapes(svg, square);
  const unit = 64 / size;
  const rows = Buffer.alloc(size * (size * 4 + 1));
  for (let y = 0, at = 0; y < size; y++) {
    rows[at++] = 0;
    for (let x = 0; x < size; x++, at += 4) {
      let alpha = 0;
      for (const { distance, rgb } of drawn) {
        const cover = Math.min(1, Math.max(0, 0.5 - distance((x + 0.5) * unit, (y + 0.5) * unit) / unit));
        if (cover === 0) continue;
        const next = cover + alpha * (1 - cover);
        rgb.forEach((value, i) => (rows[at + i] = (value * cover + rows[at + i] * alpha * (1 - cover)) / next));
        alpha = next;
      }
      rows[at + 3] = Math.round(alpha * 255);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8); // 8 bits, RGBA
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
