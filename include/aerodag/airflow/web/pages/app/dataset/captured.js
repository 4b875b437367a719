/** When a survey was flown, as exactly as that is known. A dataset and each image have a `captured_source`. */

import { day, exact, minute, utcDay, utcMinute } from "../time.js";

/** What an uploader said, or a camera without a zone, is the same day and hour wherever it is read. */
function isZoneless({ captured_source: source }) {
  return source === "uploader" || source === "exif_local";
}

function span(item, format) {
  const { captured_from: from, captured_to: to } = item;
  if (!from) return null;
  return to && format(from) !== format(to) ? `${format(from)} to ${format(to)}` : format(from);
}

export function capturedDays(item) {
  return span(item, isZoneless(item) ? utcDay : day);
}

/** To the minute; an uploader names a day only. */
export function capturedMinutes(item) {
  if (item.captured_source === "uploader") return capturedDays(item);
  return span(item, isZoneless(item) ? utcMinute : minute);
}

/** @param {{captured_at: string | null, captured_source?: string | null}} image its properties */
export function takenAt(image) {
  return image.captured_at && (isZoneless(image) ? utcMinute : minute)(image.captured_at);
}

/** The same to the second and with its zone, where that is known. */
export function takenExactly(image) {
  if (isZoneless(image)) return image.captured_at && `${takenAt(image)} by the camera's clock`;
  return image.captured_at && exact(image.captured_at);
}
