import ShimABI

/// What all threads of the con-shim share: one page. Each word is changed by `Platform.replace` alone.
struct SharedState: BitwiseCopyable {
  /// The head of the list of free pages; see Pages.swift.
  var freeHead: UInt64
  /// Pages that are claimed.
  var totalCount: UInt64
  /// Page of pointers to pages of counts: how many tables or structures hold a page.
  var countRoot: UInt64
  /// The level-1 table of the kernel's half.
  var kernelRoot: UInt64
  /// A level-0 table without entries, for threads that have no memory map any more.
  var emptyRoot: UInt64
  /// Page of the places of images; see ProgramImages.swift.
  var images: UInt64
  /// Page of what threads wait for: a word per slot; see Futex.swift.
  var waits: UInt64
  /// How many waits there were.
  var waitCount: UInt64
  /// Slots from here on were never in use.
  var slotEnd: UInt64
  /// Per slot the address of its task; 0: free.
  var tasks: InlineArray<480, UInt64>
}

/// The registers of a program while the kernel runs. Vectors.S writes it.
public struct TrapFrame: BitwiseCopyable {
  public var x: InlineArray<31, UInt64>
  public var sp: UInt64
  public var pc: UInt64
  public var pstate: UInt64
  /// x0 as the call had it, for a restart.
  public var firstArgument: UInt64
  public var unused: UInt64
}

/// What is done on a signal.
struct SignalAction: BitwiseCopyable {
  /// 0 default, 1 ignore, else the address of the handler.
  var handler: UInt64
  var flags: UInt64
  var restorer: UInt64
  var mask: UInt64
}

/// What a slot for a thread is.
enum TaskState {
  static let free: UInt64 = 0
  /// fork is filling it in.
  static let preparing: UInt64 = 1
  /// Its thread may start.
  static let ready: UInt64 = 2
  static let running: UInt64 = 3
  /// Its thread was made but the host did not run it: kept for the next fork.
  static let spare: UInt64 = 4
  /// Another thread finds out whether it was killed.
  static let reaping: UInt64 = 5
}

/// Why all threads of a process leave.
enum Leaving {
  static let not: UInt64 = 0
  static let end: UInt64 = 1
  /// One of them becomes another program.
  static let execute: UInt64 = 2
}

/// One thread of a program: one page. What the process has is in the task of its first thread, which stays until the
/// last one ended.
public struct TaskData: BitwiseCopyable {
  public var shared: UInt64
  /// Address of the thread's exchange buffer.
  public var exchange: UInt64
  /// Address of the trap frame.
  public var frame: UInt64
  /// Address of the task of the process's first thread, which may be this one.
  var leader: UInt64
  /// The process's: address of the structure of the memory map.
  var space: UInt64
  /// The process's: how many threads it has.
  var threads: UInt64
  /// The process's: 1 from its start until everything that it had was freed.
  var isHeld: UInt64
  /// The process's: 1 if it has or had more than one thread.
  var isThreaded: UInt64
  /// The process's; see ``Leaving``.
  var leaving: UInt64
  /// The process's: which thread changes the memory map: its slot and 1. See Locks.swift.
  var mapOwner: UInt64
  /// How many threads have left to the host until it is free.
  var mapWaiters: UInt64
  /// How often this thread has that lock.
  var lockDepth: UInt64
  /// Whether a new thread may begin: 0 not yet, 1 it may, 2 not yet and it waits, 3 it has to end.
  var go: UInt64
  /// This thread's number, as the host says; 0: not asked yet.
  var tid: UInt64
  /// set_robust_list.
  var robustList: UInt64
  /// Which wakes a waiting thread heeds, and since when it waits.
  var waitBits: UInt64
  var waitOrder: UInt64
  /// Which slot of kernel stacks and address space identifiers it has.
  var slot: UInt64
  /// Number of the thread for the Monitor.
  var thread: UInt64
  /// Whether the slot can be used; see ``TaskState``.
  var state: UInt64
  /// Where its kernel stack ends.
  public var stackTop: UInt64
  /// The process's number, as the host says; 0: not asked yet.
  var pid: UInt64
  var threadPointer: UInt64
  var clearTid: UInt64
  /// Where a child writes its number when it starts.
  var setTid: UInt64
  /// Blocked signals, bit n-1 for n.
  var mask: UInt64
  /// What the host has been told of it.
  var hostMask: UInt64
  /// The mask that comes back after the handler, where a call changed it for its time (ppoll).
  var savedMask: UInt64
  var hasSavedMask: UInt64
  /// Taken from the exchange buffer, not delivered.
  var pending: UInt64
  var alternateStack: UInt64
  var alternateSize: UInt64
  var alternateFlags: UInt64
  /// The process's: address of the page with the absolute path of the program.
  var programPath: UInt64
  /// Address of a page for what is gathered or saved for a moment.
  var scratch: UInt64
  /// Host's clocks minus ours in ns, and our counter when they were fetched: realtime, monotonic, boottime.
  var clockOffsets: InlineArray<3, Int64>
  var clockFetched: InlineArray<3, UInt64>
  /// Key and counter of the random generator; all zero: not seeded.
  var randomKey: InlineArray<8, UInt32>
  var randomSeeded: UInt64
  /// Calls that nobody knows: number and how often.
  var unknownCalls: InlineArray<16, UInt32>
  var unknownCounts: InlineArray<16, UInt32>
  /// The process's.
  var actions: InlineArray<64, SignalAction>
  /// User, effective user, group, effective group as the host told; nothing that changes them came since.
  var identity: InlineArray<4, UInt64>
  var knowsIdentity: UInt64
  /// Not 0 while the thread may look at free pages; see Pages.swift.
  var isLooking: UInt64
  /// What is lost if the thread is killed, unless who reaps it goes on: a page, and the entry that is to have it; pages
  /// that were claimed and are not free yet, from the first to before the last.
  var pageInHand: UInt64
  var slotInHand: UInt64
  var donated: UInt64
  var donatedEnd: UInt64
  /// Not 0 once the host said that it made a process or thread of it: a process has its number.
  var isBegun: UInt64
  /// 1 once it is not counted among the threads of its process any more.
  var hasLeft: UInt64
  /// The process's: its last thread, which frees what the process had: its slot and 1.
  var finisher: UInt64
  /// The process's: address of a memory map that is being freed.
  var oldSpace: UInt64
}

/// The memory map of a process: one page.
struct SpaceData: BitwiseCopyable {
  /// The level-0 table.
  var root: UInt64
  var asid: UInt64
  var heapStart: UInt64
  var heapEnd: UInt64
  /// New mappings are below.
  var mapTop: UInt64
  /// Pages that programs have in this space.
  var resident: UInt64
  /// Areas in use, in pages of 128 each.
  var areaCount: UInt64
  var areaPages: InlineArray<256, UInt64>
  /// The tables below the level-0 table, so that they are found again without a look at every entry. More than
  /// there is room for are counted only.
  var tableCount: UInt64
  var tables: InlineArray<200, UInt64>
}
