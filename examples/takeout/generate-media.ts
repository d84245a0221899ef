// Tiny media files of each kind that stands beside pages: whole enough that `file` and players know them.

import type { AttachmentKind } from "../../src/systems/page.ts";

export type MediaExtension = "jpg" | "gif" | "mp4" | "3gp" | "amr" | "mp3" | "vcf";

/** What Google stores each kind of attachment as. */
export const EXTENSIONS: Readonly<Record<AttachmentKind, readonly MediaExtension[]>> = {
  img: ["jpg", "jpg", "jpg", "gif"],
  video: ["mp4", "3gp"],
  vcf: ["vcf"],
  audio: ["amr"],
};

/** One grey pixel. */
const JPEG =
  "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP////////////////////////////////////////////////////////////////////////////////" +
  "//////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=";
/** One transparent pixel. */
const GIF = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

const VCARD = [
  "BEGIN:VCARD",
  "VERSION:3.0",
  "N:Gump;Forrest;;Mr.;",
  "FN:Forrest Gump",
  "TEL;TYPE=CELL:+12025550143",
  "END:VCARD",
  "",
].join("\r\n");

/** The bytes of a media file; the same array at every call, not to be changed. */
export function mediaBytes(extension: MediaExtension): Uint8Array {
  return MEDIA[extension];
}

const MEDIA: Readonly<Record<MediaExtension, Uint8Array>> = {
  jpg: Buffer.from(JPEG, "base64"),
  gif: Buffer.from(GIF, "base64"),
  mp4: emptyMovie("isom"),
  "3gp": emptyMovie("3gp5"),
  amr: Buffer.concat([Buffer.from("#!AMR\n"), Buffer.alloc(10, 0x7c)]), // ten frames without data: 0.2 s
  mp3: silentMp3(),
  vcf: Buffer.from(VCARD),
};

/** An ISO base media file with a movie header and no track. */
function emptyMovie(brand: string): Uint8Array {
  const header = Buffer.alloc(100);
  header.writeUInt32BE(1000, 12); // time scale: milliseconds
  header.writeUInt32BE(0x00010000, 20); // rate 1.0
  header.writeUInt16BE(0x0100, 24); // volume 1.0
  for (const [offset, value] of [
    [36, 0x00010000],
    [52, 0x00010000],
    [68, 0x40000000],
  ]) {
    header.writeUInt32BE(value, offset); // the unit matrix
  }
  header.writeUInt32BE(1, 96); // next track
  const type = Buffer.concat([Buffer.from(brand), Buffer.alloc(4), Buffer.from(brand)]);
  return Buffer.concat([box("ftyp", type), box("moov", box("mvhd", header))]);
}

function box(type: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + content.byteLength);
  head.write(type, 4, "latin1");
  return Buffer.concat([head, content]);
}

/** Three frames of MPEG-2.5 layer III, 8 kbit/s, 8 kHz, mono: 72 bytes each, all of it silence. */
function silentMp3(): Uint8Array {
  const frame = Buffer.alloc(72);
  frame.set([0xff, 0xe3, 0x18, 0xc4]);
  return Buffer.concat([frame, frame, frame]);
}
