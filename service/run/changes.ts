// A bell for one waiter: rung at every change, heard at once when it was rung since the last wait.

export class Changes {
  #wake: (() => void) | undefined
  #isRung = false

  readonly ring = (): void => {
    this.#isRung = true
    this.#wake?.()
  }

  async next(): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#isRung = false
  }
}
