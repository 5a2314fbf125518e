import { BeaconIntervals } from './beacon-intervals.js'
import type { ResolvedLivelinessOptions } from './liveliness-options.js'
import { LoopProgress } from './loop-progress.js'
import { type PeerPlace, PeerReach } from './peer-reach.js'
import { ProcessInspector } from './process-inspector.js'
import type { ProcessReading } from './process-reading.js'
import { aliveVerdict, type Finding, Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from './verdict.js'

/** The fields of a beacon that matter here. */
export interface BeaconEvidence {
  readonly intervalMs: number
  readonly loopDelayMs: number
  readonly progress: number
}

/** Under which circumstances a verdict is asked for. */
export interface DetectionContext {
  /** By how much the observer lengthens its timeouts: 1 in health. */
  readonly timeoutMultiplier: number
  /** False while the observer may be isolated: no peer is declared dead for silence alone then. */
  readonly canDeclareDead: boolean
  /** Whether no other peer of the peer's host is received either. */
  readonly isHostSilent: boolean
}

/** Beacons that may be missing before a peer counts as overdue: two lost ones are loss, three are news. */
const overdueIntervals = 3
/** The same for a peer that only answers come from. */
const answeringIntervals = 2
/** A peer that has not answered a request for this time counts as unanswering. */
const answerMs = 1_000

const alive: Finding = { liveliness: Liveliness.alive, cause: null, detail: null, evidence: VerdictEvidence.beacon }

/**
 * Turns the evidence of one peer into a verdict. `nowMs` is always an argument. The caller brings the evidence (frames,
 * beacons, readings of the kernel), asks the peer when {@link shouldAsk} is true, and calls {@link judge} regularly.
 *
 * Silence is measured from the last frame, less the time for which the observer itself was late ({@link discountSilence}).
 * `dead` is final. Any other verdict ends only by a frame of the peer, or by a worse verdict.
 */
export class PeerDetector {
  readonly #options: ResolvedLivelinessOptions
  readonly #loop = new LoopProgress()
  readonly #witness = new ProcessInspector()
  #beaconIntervals: BeaconIntervals
  #place: PeerPlace = { reach: PeerReach.host, sharesNetwork: true }
  #intervalMs: number
  #lastReceivedMs: number
  #quietFromMs: number
  /** When the kernel last reported that the process exists. If it can no longer be asked, the lease counts from here. */
  #vouchedMs = Number.NEGATIVE_INFINITY
  #hasReceivedSinceVerdict = true
  /** It was found overdue, and nothing was received since. */
  #isMissed = false
  /** Requests since it was last received: the first and the last. */
  #asked: { readonly firstMs: number; readonly lastMs: number } | undefined
  /** Its last sign of life was an answer: beacons do not arrive, so it is asked before it is overdue again. */
  #livesByAnswers = false
  /** When it became unreachable, moved on like silence. */
  #lostMs: number | undefined
  /** It has been lost or stalled since it was last alive. Merely overdue does not count: frames get lost. */
  #hasFailed = false
  #reliableFromMs: number
  #verdict: Verdict

  /** @param isReturning it was lost before, so that it begins on probation */
  constructor(options: ResolvedLivelinessOptions, intervalMs: number, nowMs: number, isReturning = false) {
    this.#options = options
    this.#intervalMs = intervalMs
    this.#beaconIntervals = new BeaconIntervals(options.phi, intervalMs)
    this.#lastReceivedMs = nowMs
    this.#quietFromMs = nowMs
    this.#reliableFromMs = isReturning ? nowMs + options.probationMs : nowMs
    this.#verdict = { ...aliveVerdict(nowMs), reliableFromMs: this.#reliableFromMs }
  }

  get verdict(): Verdict {
    return this.#verdict
  }
  get lastReceivedMs(): number {
    return this.#lastReceivedMs
  }
  /** Its silence counts from here: when it was last received, plus the time for which the observer was late or isolated. */
  get quietFromMs(): number {
    return this.#quietFromMs
  }
  get loop(): LoopProgress {
    return this.#loop
  }
  get place(): PeerPlace {
    return this.#place
  }

  setPlace(place: PeerPlace): void {
    this.#place = place
  }

  /** It has answered a request. */
  answered(nowMs: number): void {
    this.frameReceived(nowMs)
    this.#livesByAnswers = true
  }

  /** Any frame is evidence of life. */
  frameReceived(nowMs: number): void {
    this.#livesByAnswers = false
    this.#isMissed = false
    this.#lastReceivedMs = nowMs
    this.#quietFromMs = nowMs
    this.#hasReceivedSinceVerdict = true
    this.#asked = undefined
  }

  beacon({ intervalMs, loopDelayMs, progress }: BeaconEvidence, nowMs: number): void {
    this.#loop.beacon(loopDelayMs, progress, intervalMs, nowMs)
    this.#intervalMs = intervalMs
    const { liveliness } = this.#verdict
    const isTrusted = (liveliness === Liveliness.alive || liveliness === Liveliness.suspect) && !this.#loop.isLate
    this.#beaconIntervals.beacon(intervalMs, isTrusted, nowMs)
    this.frameReceived(nowMs)
  }

  /** Expects signs of life at another interval from now on. What was learned of the old ones is void. */
  expectEvery(intervalMs: number): void {
    if (intervalMs === this.#intervalMs) return
    this.#intervalMs = intervalMs
    this.#beaconIntervals = new BeaconIntervals(this.#options.phi, intervalMs)
  }

  /** Subtracts the time for which the observer itself was late from the silence of the peer. */
  discountSilence(lateMs: number, nowMs: number): void {
    const later = (atMs: number): number => Math.min(nowMs, atMs + lateMs)
    this.#quietFromMs = later(this.#quietFromMs)
    if (this.#lostMs !== undefined) this.#lostMs = later(this.#lostMs)
    if (this.#asked !== undefined) {
      this.#asked = { firstMs: later(this.#asked.firstMs), lastMs: later(this.#asked.lastMs) }
    }
    this.#beaconIntervals.interrupt()
  }

  /** The observer was isolated: silence counts from now, and open requests are void. */
  restartSilence(nowMs: number): void {
    this.#quietFromMs = nowMs
    this.#asked = undefined
    if (this.#lostMs !== undefined) this.#lostMs = nowMs
    this.#beaconIntervals.interrupt()
  }

  /**
   * Silent for longer than a few lost beacons explain, or found so and not received since, whatever the multiplier is
   * now. {@link judge} needs a reading of the kernel then.
   */
  isOverdue(nowMs: number, timeoutMultiplier = 1): boolean {
    return this.#isMissed || nowMs - this.#quietFromMs > overdueIntervals * this.#intervalMs * timeoutMultiplier
  }

  /** Whether the caller should send the peer a request: its answer would be evidence of life. */
  shouldAsk(nowMs: number, timeoutMultiplier = 1): boolean {
    if (this.#verdict.liveliness === Liveliness.dead) return false
    const patienceMs = (this.#livesByAnswers ? answeringIntervals : overdueIntervals) * this.#intervalMs
    // A busy peer has no time for requests; it is not declared lost without an answer either.
    const isBusy = this.#verdict.liveliness === Liveliness.stalled
    const dueMs = isBusy ? Math.max(patienceMs, this.#options.leaseMs) : patienceMs
    if (nowMs - this.#quietFromMs <= dueMs * timeoutMultiplier) return false
    return this.#asked === undefined || nowMs - this.#asked.lastMs >= this.#options.leaseMs * timeoutMultiplier
  }

  asked(nowMs: number): void {
    this.#asked = { firstMs: this.#asked?.firstMs ?? nowMs, lastMs: nowMs }
  }

  /** Takes authoritative evidence about the peer (its pidfd, its goodbye), which overrides the lease. */
  fact(finding: Finding, nowMs: number): Verdict {
    if (this.#verdict.liveliness !== Liveliness.dead) this.#setVerdict(finding, nowMs)
    return this.#verdict
  }

  judge(nowMs: number, reading: ProcessReading, circumstances: DetectionContext): Verdict {
    if (this.#verdict.liveliness === Liveliness.dead) return this.#verdict
    if (this.isOverdue(nowMs, circumstances.timeoutMultiplier)) {
      this.#isMissed = true
      const finding = this.#judgeSilence(nowMs, reading, circumstances)
      if (finding !== undefined) this.#setVerdict(finding, nowMs)
      return this.#verdict
    }
    this.#witness.reset()
    if (!this.#hasReceivedSinceVerdict) return this.#verdict
    this.#beaconIntervals.confirm()
    this.#setVerdict(this.#loop.isStalled ? lateLoop(this.#loop.delayMs) : alive, nowMs)
    return this.#verdict
  }

  /** Undefined: the verdict stays. */
  #judgeSilence(nowMs: number, reading: ProcessReading, circumstances: DetectionContext): Finding | undefined {
    const finding = this.#witness.inspect(reading, nowMs)
    if (finding.kind !== 'unknown' && finding.kind !== 'gone') this.#vouchedMs = nowMs
    switch (finding.kind) {
      case 'gone':
        return kernelFinding(Liveliness.dead, finding.end?.cause ?? LivelinessCause.exited, finding.end?.detail ?? null)
      case 'stopped':
        return kernelFinding(Liveliness.stalled, LivelinessCause.stopped, null)
      case 'io-wait':
        return kernelFinding(Liveliness.stalled, LivelinessCause.ioWait, null)
      case 'frozen':
        return kernelFinding(Liveliness.stalled, LivelinessCause.frozen, null)
      case 'busy':
        return kernelFinding(Liveliness.stalled, LivelinessCause.loopBusy, finding.detail)
      case 'asleep':
        return this.#judgeSleeper(nowMs, circumstances, asleepInCall)
      case 'exists':
        return this.#judgeSleeper(nowMs, circumstances, hidden)
      case 'unknown':
        return this.#judgeUnseen(nowMs, circumstances)
    }
  }

  /**
   * The process exists, does not compute as far as the kernel shows, and nothing of it is received. Either its main
   * thread is held up, or its frames do not arrive. In one network namespace they would, unless the observer is isolated.
   *
   * @param heldUp the finding if its frames would arrive
   */
  #judgeSleeper(
    nowMs: number,
    { timeoutMultiplier, canDeclareDead, isHostSilent }: DetectionContext,
    heldUp: Finding,
  ): Finding | undefined {
    const { liveliness } = this.#verdict
    if (liveliness === Liveliness.stalled && !this.#hasReceivedSinceVerdict) return undefined
    const { sharesNetwork } = this.#place
    if (!this.#isUnanswered(nowMs, timeoutMultiplier) || (sharesNetwork && !canDeclareDead)) {
      if (liveliness === Liveliness.unreachable) return undefined
      return kernelFinding(Liveliness.suspect, null, 'its process exists')
    }
    if (sharesNetwork) return heldUp
    const cause = isHostSilent ? LivelinessCause.hostSilent : LivelinessCause.leaseExpired
    return kernelFinding(
      Liveliness.unreachable,
      cause,
      'its process exists; it may not receive, or not be received from',
    )
  }

  /** The kernel cannot be asked: silence decides. */
  #judgeUnseen(
    nowMs: number,
    { timeoutMultiplier, canDeclareDead, isHostSilent }: DetectionContext,
  ): Finding | undefined {
    if (this.#verdict.liveliness === Liveliness.unreachable) return this.#judgeLost(nowMs, canDeclareDead)
    const { reach } = this.#place
    const isFar = reach === PeerReach.far
    const evidence = isFar ? VerdictEvidence.phi : VerdictEvidence.lease
    const silenceMs = nowMs - Math.max(this.#quietFromMs, this.#vouchedMs)
    const isLost = isFar
      ? this.#beaconIntervals.isLost(silenceMs, timeoutMultiplier)
      : silenceMs >= this.#options.leaseMs * timeoutMultiplier
    const cause = isHostSilent && reach !== PeerReach.host ? LivelinessCause.hostSilent : LivelinessCause.leaseExpired
    if (isLost && reach !== PeerReach.host) return { liveliness: Liveliness.unreachable, cause, detail: null, evidence }
    if (isLost && canDeclareDead && this.#isUnanswered(nowMs, timeoutMultiplier)) {
      return { liveliness: Liveliness.dead, cause, detail: null, evidence }
    }
    const detail = isLost && !canDeclareDead ? 'most peers fell silent at once' : null
    return { liveliness: Liveliness.suspect, cause: null, detail, evidence }
  }

  /** Unreachable already: only `unreachableDeadAfterMs` ends that. */
  #judgeLost(nowMs: number, canDeclareDead: boolean): Finding | undefined {
    const { unreachableDeadAfterMs } = this.#options
    if (unreachableDeadAfterMs === null || this.#lostMs === undefined || !canDeclareDead) return undefined
    if (nowMs - this.#lostMs < unreachableDeadAfterMs) return undefined
    const { cause, evidence } = this.#verdict
    return { liveliness: Liveliness.dead, cause, detail: `unreachable for ${unreachableDeadAfterMs} ms`, evidence }
  }

  #isUnanswered(nowMs: number, timeoutMultiplier: number): boolean {
    return this.#asked !== undefined && nowMs - this.#asked.firstMs >= answerMs * timeoutMultiplier
  }

  #setVerdict(finding: Finding, nowMs: number): void {
    const { liveliness, cause } = finding
    const isAlive = liveliness === Liveliness.alive
    if (!isAlive) this.#hasReceivedSinceVerdict = false
    if (this.#verdict.liveliness === liveliness && this.#verdict.cause === cause) return
    if (isAlive && this.#hasFailed) this.#reliableFromMs = nowMs + this.#options.probationMs
    if (isAlive) this.#hasFailed = false
    else if (liveliness !== Liveliness.suspect) this.#hasFailed = true
    this.#lostMs = liveliness === Liveliness.unreachable ? (this.#lostMs ?? nowMs) : undefined
    this.#verdict = { ...finding, sinceMs: nowMs, reliableFromMs: isAlive ? this.#reliableFromMs : null }
  }
}

const asleepInCall = kernelFinding(
  Liveliness.stalled,
  LivelinessCause.loopBusy,
  'asleep in a call, and answers nothing',
)
/** The process may be stopped, busy or blocked: nothing shows which. */
const hidden = kernelFinding(
  Liveliness.stalled,
  LivelinessCause.unknown,
  'its process exists and answers nothing; /proc hides the rest',
)

function lateLoop(delayMs: number): Finding {
  const detail = `loop ${delayMs} ms late`
  return { liveliness: Liveliness.stalled, cause: LivelinessCause.loopBusy, detail, evidence: VerdictEvidence.beacon }
}

function kernelFinding(liveliness: Liveliness, cause: LivelinessCause | null, detail: string | null): Finding {
  return { liveliness, cause, detail, evidence: VerdictEvidence.kernel }
}
