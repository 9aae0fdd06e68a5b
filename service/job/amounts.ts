// Amounts as people read them. Pure.

const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** Three digits and a decimal unit. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; value >= 999.5 && unit + 1 < units.length; unit += 1) value /= 1000
  return `${unit === 0 ? value : threeDigits(value)} ${units[unit]}`
}

export function msText(ms: number): string {
  return ms < 999.5 ? `${threeDigits(ms)} ms` : `${threeDigits(ms / 1000)} s`
}

function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
}
