// SPDX-License-Identifier: Apache-2.0
//
// The instructions: CPython's Lib/pickletools.py describes them; what arrays are made of: NumPy's
// __reduce__, https://numpy.org/doc/stable/reference/generated/numpy.ndarray.__reduce__.html.
#include "mdvt/io/pickle_file.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include "core/little_endian.h"
#include "core/naming.h"
#include "io/output_file.h"
#include "io/typed_numbers.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/printable.h"
#include "mdvt/io/byte_source.h"

namespace mdvt {
namespace {

constexpr size_t kMostNodes = size_t{1} << 20;
constexpr size_t kBufferBytes = size_t{1} << 16;
constexpr int kNewestProtocol = 5;

// What a pickle may ask for, all of which makes arrays of numbers.
enum class Function : uint8_t { kNone, kReconstruct, kFromBuffer, kScalar, kNdarray, kDtype };

struct Allowed {
  const char* module;
  const char* name;
  Function function;
};
constexpr Allowed kAllowed[] = {
    {"numpy.core.multiarray", "_reconstruct", Function::kReconstruct},
    {"numpy._core.multiarray", "_reconstruct", Function::kReconstruct},
    {"numpy.core.numeric", "_frombuffer", Function::kFromBuffer},
    {"numpy._core.numeric", "_frombuffer", Function::kFromBuffer},
    {"numpy.core.multiarray", "scalar", Function::kScalar},
    {"numpy._core.multiarray", "scalar", Function::kScalar},
    {"numpy", "ndarray", Function::kNdarray},
    {"numpy", "dtype", Function::kDtype},
};

// Instructions that no data needs: they call, import or ask others for objects.
constexpr std::pair<unsigned char, const char*> kRefused[] = {
    {'i', "INST"},
    {'o', "OBJ"},
    {0x81, "NEWOBJ"},
    {0x92, "NEWOBJ_EX"},
    {'P', "PERSID"},
    {'Q', "BINPERSID"},
    {0x82, "EXT1"},
    {0x83, "EXT2"},
    {0x84, "EXT4"},
    {0x97, "NEXT_BUFFER"},
    {0x98, "READONLY_BUFFER"},
    {0x8f, "EMPTY_SET"},
    {0x90, "ADDITEMS"},
    {0x91, "FROZENSET"},
};

struct Node {
  PickleKind kind = PickleKind::kNone;
  Function function = Function::kNone;  // other than kNone: what makes arrays, no value
  bool is_dtype = false;                // neither is one
  int64_t integer = 0;
  double number = 0;
  std::string text;              // of a text; of a dtype and an array "<f4"
  int64_t offset = 0, size = 0;  // of bytes and arrays, in the file
  std::vector<uint32_t> items;   // of a list; of a dict key, value, key, value
  std::vector<int64_t> shape;
  bool by_columns = false;
  bool is_ready = false;  // of an array: it has its numbers
};

}  // namespace

struct Pickle::Impl {
  Impl(const std::string& name, const Limits& read_limits)
      : path(name), limits(read_limits), source(OpenFileSource(name)) {}

  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(Code::kCorrupt, path + ": byte " + std::to_string(at) + ": " + what);
  }
  void Check(bool good, const char* what) const {
    if (!good) Fail(what);
  }

  // ---- The bytes.

  void Read(char* to, size_t count) {
    while (count > 0) {
      if (at < buffer_begin || at >= buffer_begin + static_cast<int64_t>(buffer.size())) {
        buffer.resize(kBufferBytes);
        buffer.resize(source->ReadAt(at, buffer.data(), buffer.size()));
        buffer_begin = at;
        Check(!buffer.empty(), "ends within");
      }
      const auto skip = static_cast<size_t>(at - buffer_begin);
      const size_t taken = std::min(count, buffer.size() - skip);
      std::memcpy(to, buffer.data() + skip, taken);
      to += taken;
      at += static_cast<int64_t>(taken);
      count -= taken;
    }
  }
  uint64_t Unsigned(size_t bytes) {
    unsigned char raw[8] = {};
    Read(reinterpret_cast<char*>(raw), bytes);
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;) value = value << 8 | raw[i];
    return value;
  }
  // A length that the rest of the file has.
  int64_t Length(size_t bytes) {
    const uint64_t length = Unsigned(bytes);
    Check(length <= static_cast<uint64_t>(source->size() - at), "ends within");
    return static_cast<int64_t>(length);
  }
  std::string Text(size_t length_bytes) {
    const int64_t length = Length(length_bytes);
    Require(length <= limits.max_text_bytes, Code::kLimit,
            path + ": a text takes " + std::to_string(length) + " bytes");
    std::string text(static_cast<size_t>(length), '\0');
    Read(text.data(), text.size());
    return text;
  }
  std::string Line() {
    std::string line;
    for (char c = 0;;) {
      Read(&c, 1);
      if (c == '\n') return line;
      Check(line.size() < 1000, "has a name without an end");
      line.push_back(c);
    }
  }

  // ---- The stack.

  Node& Push(PickleKind kind) {
    Require(nodes.size() < kMostNodes, Code::kLimit,
            path + ": holds more than " + std::to_string(kMostNodes) + " values");
    stack.push_back(static_cast<uint32_t>(nodes.size()));
    nodes.emplace_back();
    nodes.back().kind = kind;
    return nodes.back();
  }
  uint32_t Pop() {
    Check(stack.size() > (marks.empty() ? 0 : marks.back()), "takes a value where there is none");
    const uint32_t top = stack.back();
    stack.pop_back();
    return top;
  }
  std::vector<uint32_t> PopToMark() {
    Check(!marks.empty(), "takes values where there are none");
    std::vector<uint32_t> items(stack.begin() + static_cast<ptrdiff_t>(marks.back()), stack.end());
    stack.resize(marks.back());
    marks.pop_back();
    return items;
  }
  Node& Top() {
    Check(stack.size() > (marks.empty() ? 0 : marks.back()), "takes a value where there is none");
    return nodes[stack.back()];
  }
  void PushTuple(std::vector<uint32_t> items) { Push(PickleKind::kList).items = std::move(items); }
  void PushTuple(size_t count) {
    std::vector<uint32_t> items(count);
    for (size_t i = count; i-- > 0;) items[i] = Pop();
    PushTuple(std::move(items));
  }
  void Append(const std::vector<uint32_t>& items) {
    Node& list = Top();
    Check(list.kind == PickleKind::kList, "appends to what is no list");
    list.items.insert(list.items.end(), items.begin(), items.end());
  }
  void SetItems(const std::vector<uint32_t>& items) {
    Node& dict = Top();
    Check(dict.kind == PickleKind::kDict && items.size() % 2 == 0, "adds items to what is no dict");
    dict.items.insert(dict.items.end(), items.begin(), items.end());
  }
  void PushBytes(size_t length_bytes) {
    const int64_t length = Length(length_bytes);
    Node& bytes = Push(PickleKind::kBytes);
    bytes.offset = at;
    bytes.size = length;
    at += length;
  }

  // ---- What makes arrays.

  void PushFunction(const std::string& module, const std::string& name) {
    for (const Allowed& allowed : kAllowed)
      if (module == allowed.module && name == allowed.name) {
        Push(PickleKind::kNone).function = allowed.function;
        return;
      }
    Fail("asks for '" + Printable(module + "." + name) +
         "'; only numbers, texts, lists, dicts and NumPy arrays are read");
  }

  const Node& Argument(const Node& tuple, size_t index) const {
    Check(index < tuple.items.size(), "makes an array of too few arguments");
    return nodes[tuple.items[index]];
  }
  std::vector<int64_t> Shape(const Node& tuple) const {
    Check(tuple.kind == PickleKind::kList && tuple.items.size() <= 32, "has a shape that is none");
    std::vector<int64_t> shape;
    int64_t all = 1;
    for (const uint32_t item : tuple.items) {
      const int64_t side = nodes[item].integer;
      Check(nodes[item].kind == PickleKind::kInteger && side >= 0 &&
                (side == 0 || all <= (int64_t{1} << 40) / side),
            "has a shape that is none");
      all *= side;
      shape.push_back(side);
    }
    return shape;
  }
  void Fill(Node* array, const Node& dtype, const Node& bytes, std::vector<int64_t> shape) const {
    Check(dtype.is_dtype && bytes.kind == PickleKind::kBytes, "has an array of no numbers");
    const std::optional<NumberType> type = ParseNumberType(dtype.text);
    if (!type)
      Fail("has an array of the type '" + Printable(dtype.text) + "', which is not read here");
    int64_t count = 1;
    for (const int64_t side : shape) count *= side;
    Check(count == bytes.size / static_cast<int64_t>(type->size) &&
              bytes.size % static_cast<int64_t>(type->size) == 0,
          "has an array whose shape does not fit its bytes");
    array->text = dtype.text;
    array->shape = std::move(shape);
    array->offset = bytes.offset;
    array->size = bytes.size;
    array->is_ready = true;
  }

  void Reduce() {
    const Node& arguments = nodes[Pop()];
    const Function function = nodes[Pop()].function;
    Check(arguments.kind == PickleKind::kList, "calls a function without arguments");
    switch (function) {
      case Function::kReconstruct:
        Check(Argument(arguments, 0).function == Function::kNdarray, "makes no array of numbers");
        Push(PickleKind::kArray);
        return;
      case Function::kDtype: {
        const std::string type = Argument(arguments, 0).text;
        Node& dtype = Push(PickleKind::kNone);
        dtype.is_dtype = true;
        dtype.text = (type.size() == 2 && type[1] == '1' ? "|" : "<") + type;
        return;
      }
      case Function::kFromBuffer: {
        Node array;
        array.kind = PickleKind::kArray;
        Fill(&array, Argument(arguments, 1), Argument(arguments, 0), Shape(Argument(arguments, 2)));
        array.by_columns = Argument(arguments, 3).text == "F";
        Push(PickleKind::kArray) = std::move(array);
        return;
      }
      case Function::kScalar: {
        Node array;
        Fill(&array, Argument(arguments, 0), Argument(arguments, 1), {});
        const double value = NumbersOf(array, 0, 1)[0];
        Node& scalar = Push(ParseNumberType(array.text)->kind == 'f' ? PickleKind::kNumber
                                                                     : PickleKind::kInteger);
        scalar.number = value;
        scalar.integer = scalar.kind == PickleKind::kInteger ? static_cast<int64_t>(value) : 0;
        return;
      }
      default:
        Fail("calls what is no function");
    }
  }

  // The state of an array or its type.
  void Build() {
    const Node& state = nodes[Pop()];
    Node& object = Top();
    Check(state.kind == PickleKind::kList, "gives an object no state");
    if (object.is_dtype) {
      const std::string& order = Argument(state, 1).text;
      Check(order == "<" || order == "|" || order == ">" || order == "=", "has numbers of no type");
      object.text[0] = order == "=" ? '<' : order[0];
      return;
    }
    Check(object.kind == PickleKind::kArray && !object.is_ready, "gives an object its state twice");
    Fill(&object, Argument(state, 2), Argument(state, 4), Shape(Argument(state, 1)));
    const Node& by_columns = Argument(state, 3);
    object.by_columns = by_columns.kind == PickleKind::kBool && by_columns.integer != 0;
  }

  // ---- The instructions.

  void Parse() {
    if (source->size() < 2 || Unsigned(1) != 0x80) Fail("is no pickle of protocol 2 or later");
    const uint64_t protocol = Unsigned(1);
    if (protocol < 2 || protocol > kNewestProtocol)
      Fail("is a pickle of the protocol " + std::to_string(protocol) + ", 2 to 5 are read");
    for (;;) {
      const auto code = static_cast<unsigned char>(Unsigned(1));
      if (code == '.') break;
      Do(code);
    }
    root = Pop();
    Check(stack.empty() && nodes[root].function == Function::kNone && !nodes[root].is_dtype,
          "leaves no value");
  }

  void Do(unsigned char code) {
    switch (code) {
      case 0x95:  // FRAME
        Unsigned(8);
        return;
      case '(':
        marks.push_back(stack.size());
        return;
      case '0':  // POP
        Pop();
        return;
      case ']':
      case ')':
        Push(PickleKind::kList);
        return;
      case '}':
        Push(PickleKind::kDict);
        return;
      case 'l':
      case 't':
        return PushTuple(PopToMark());
      case 0x85:
      case 0x86:
      case 0x87:
        return PushTuple(static_cast<size_t>(code - 0x84));
      case 'd': {
        std::vector<uint32_t> items = PopToMark();
        Push(PickleKind::kDict);
        return SetItems(items);
      }
      case 'a':
        return Append({Pop()});
      case 'e':
        return Append(PopToMark());
      case 's': {
        const uint32_t value = Pop(), key = Pop();
        return SetItems({key, value});
      }
      case 'u':
        return SetItems(PopToMark());
      case 'N':
        Push(PickleKind::kNone);
        return;
      case 0x88:
      case 0x89:
        Push(PickleKind::kBool).integer = code == 0x88;
        return;
      case 'K':
        Push(PickleKind::kInteger).integer = static_cast<int64_t>(Unsigned(1));
        return;
      case 'M':
        Push(PickleKind::kInteger).integer = static_cast<int64_t>(Unsigned(2));
        return;
      case 'J':
        Push(PickleKind::kInteger).integer = static_cast<int32_t>(Unsigned(4));
        return;
      case 0x8a: {  // LONG1
        const size_t size = Unsigned(1);
        if (size > 8) Fail("has a whole number of more than 64 bits");
        uint64_t bits = Unsigned(size);
        if (size > 0 && size < 8 && bits >> (8 * size - 1) != 0) bits |= ~uint64_t{0} << 8 * size;
        Push(PickleKind::kInteger).integer = static_cast<int64_t>(bits);
        return;
      }
      case 'G': {
        const uint64_t bits = Unsigned(8);
        const uint64_t turned = __builtin_bswap64(bits);
        std::memcpy(&Push(PickleKind::kNumber).number, &turned, 8);
        return;
      }
      case 0x8c:
      case 'X':
      case 0x8d: {
        std::string text = Text(code == 'X' ? 4 : code == 0x8c ? 1 : 8);
        Push(PickleKind::kText).text = std::move(text);
        return;
      }
      case 'C':
        return PushBytes(1);
      case 'B':
        return PushBytes(4);
      case 0x8e:
      case 0x96:
        return PushBytes(8);
      case 0x94: {  // MEMOIZE
        Top();
        const auto next = static_cast<uint32_t>(memo.size());
        memo[next] = stack.back();
        return;
      }
      case 'q':
      case 'r': {
        const auto place = static_cast<uint32_t>(Unsigned(code == 'q' ? 1 : 4));
        Top();
        Require(memo.size() < kMostNodes, Code::kLimit, path + ": has too large a memo");
        memo[place] = stack.back();
        return;
      }
      case 'h':
      case 'j': {
        const auto found = memo.find(static_cast<uint32_t>(Unsigned(code == 'h' ? 1 : 4)));
        Check(found != memo.end(), "takes a value that it has not kept");
        Require(stack.size() < kMostNodes, Code::kLimit, path + ": holds too many values");
        stack.push_back(found->second);
        return;
      }
      case 'c': {
        const std::string module = Line();
        return PushFunction(module, Line());
      }
      case 0x93: {
        const std::string name = nodes[Pop()].text, module = nodes[Pop()].text;
        return PushFunction(module, name);
      }
      case 'R':
        return Reduce();
      case 'b':
        return Build();
      default:
        for (const auto& [refused, name] : kRefused)
          if (code == refused)
            Fail(std::string("asks for an object (") + name +
                 "); only numbers, texts, lists, dicts and NumPy arrays are read");
        Fail("has the instruction " + std::to_string(code) + ", which is not read here");
    }
  }

  std::vector<double> NumbersOf(const Node& array, int64_t first, int64_t count) const {
    const NumberType type = *ParseNumberType(array.text);
    const auto size = static_cast<int64_t>(type.size);
    std::string bytes(static_cast<size_t>(count * size), '\0');
    for (size_t done = 0; done < bytes.size();) {
      const size_t got = source->ReadAt(array.offset + first * size + static_cast<int64_t>(done),
                                        bytes.data() + done, bytes.size() - done);
      Require(got > 0, Code::kCorrupt, path + ": ends within an array");
      done += got;
    }
    std::vector<double> numbers;
    numbers.reserve(static_cast<size_t>(count));
    ForEachNumber(type, bytes.data(), count,
                  [&numbers](auto value) { numbers.push_back(static_cast<double>(value)); });
    return numbers;
  }

  std::string path;
  Limits limits;
  std::unique_ptr<ByteSource> source;
  std::vector<char> buffer;
  int64_t buffer_begin = 0;
  int64_t at = 0;
  std::deque<Node> nodes;  // stay where they are as more come
  std::vector<uint32_t> stack;
  std::vector<size_t> marks;
  std::map<uint32_t, uint32_t> memo;
  uint32_t root = 0;
};

Pickle::Pickle(const std::string& path, const Limits& limits)
    : impl_(std::make_unique<Impl>(path, limits)) {
  impl_->Parse();
}
Pickle::~Pickle() = default;
Pickle::Pickle(Pickle&&) noexcept = default;
Pickle& Pickle::operator=(Pickle&&) noexcept = default;

bool Pickle::IsOne(const std::string& path) {
  try {
    unsigned char start[2] = {};
    return OpenFileSource(path)->ReadAt(0, start, 2) == 2 && start[0] == 0x80 && start[1] >= 2 &&
           start[1] <= kNewestProtocol;
  } catch (const Error&) {
    return false;
  }
}

PickleValue Pickle::root() const { return PickleValue(impl_.get(), impl_->root); }

namespace {

// The node of a value, which has to be of one of these kinds.
template <typename Impl>
const Node& NodeOf(const void* pickle, uint32_t node, PickleKind kind, const char* wanted) {
  const Impl& impl = *static_cast<const Impl*>(pickle);
  const Node& found = impl.nodes[node];
  Require(found.kind == kind && found.function == Function::kNone && !found.is_dtype,
          Code::kCorrupt, impl.path + ": has no " + wanted + " where one is looked for");
  return found;
}

}  // namespace

PickleKind PickleValue::kind() const {
  return static_cast<const Pickle::Impl*>(pickle_)->nodes[node_].kind;
}
int64_t PickleValue::AsInteger() const {
  const PickleKind own = kind();
  return NodeOf<Pickle::Impl>(pickle_, node_, own == PickleKind::kBool ? own : PickleKind::kInteger,
                              "whole number")
      .integer;
}
double PickleValue::AsNumber() const {
  if (kind() != PickleKind::kNumber) return static_cast<double>(AsInteger());
  return NodeOf<Pickle::Impl>(pickle_, node_, PickleKind::kNumber, "number").number;
}
const std::string& PickleValue::AsText() const {
  return NodeOf<Pickle::Impl>(pickle_, node_, PickleKind::kText, "text").text;
}
size_t PickleValue::size() const {
  return NodeOf<Pickle::Impl>(pickle_, node_, PickleKind::kList, "list").items.size();
}
PickleValue PickleValue::operator[](size_t index) const {
  const Node& list = NodeOf<Pickle::Impl>(pickle_, node_, PickleKind::kList, "list");
  Require(index < list.items.size(), Code::kCorrupt, "a list is too short");
  return PickleValue(pickle_, list.items[index]);
}
bool PickleValue::Has(const std::string& key) const {
  const auto& impl = *static_cast<const Pickle::Impl*>(pickle_);
  const Node& dict = impl.nodes[node_];
  if (dict.kind != PickleKind::kDict) return false;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const Node& name = impl.nodes[dict.items[i]];
    if (name.kind == PickleKind::kText && name.text == key) return true;
  }
  return false;
}
PickleValue PickleValue::At(const std::string& key) const {
  const auto& impl = *static_cast<const Pickle::Impl*>(pickle_);
  const Node& dict = NodeOf<Pickle::Impl>(pickle_, node_, PickleKind::kDict, "dict");
  for (size_t i = dict.items.size(); i >= 2; i -= 2) {  // the last one of a name holds
    const Node& name = impl.nodes[dict.items[i - 2]];
    if (name.kind == PickleKind::kText && name.text == key)
      return PickleValue(pickle_, dict.items[i - 1]);
  }
  throw Error(Code::kCorrupt, impl.path + ": has no '" + key + "'");
}
const std::vector<int64_t>& PickleValue::shape() const {
  return NodeOf<Pickle::Impl>(pickle_, node_, PickleKind::kArray, "array").shape;
}
int64_t PickleValue::count() const {
  int64_t count = 1;
  for (const int64_t side : shape()) count *= side;
  return count;
}
std::vector<double> PickleValue::Numbers(int64_t first, int64_t wanted) const {
  const auto& impl = *static_cast<const Pickle::Impl*>(pickle_);
  const Node& array = NodeOf<Pickle::Impl>(pickle_, node_, PickleKind::kArray, "array");
  Require(array.is_ready, Code::kCorrupt, impl.path + ": has an array without numbers");
  Require(!array.by_columns || array.shape.size() < 2, Code::kCorrupt,
          impl.path + ": has an array that is stored by columns");
  Require(first >= 0 && wanted >= 0 && first <= count() - wanted, Code::kCorrupt,
          impl.path + ": has an array of too few numbers");
  return impl.NumbersOf(array, first, wanted);
}

// ---- Writing.

struct PickleWriter::Impl {
  explicit Impl(const OutputTarget& target) : file(target) { file.Write("\x80\x04"); }

  // After a value: into the list or dict around it.
  void Done() {
    if (!open.empty()) file.Write(open.back() ? "a" : "s");
  }
  template <typename T>
  void Put(T value) {
    std::string bytes;
    PutLittle(value, &bytes);
    file.Write(bytes);
  }
  void Text(const std::string& text) {
    file.Write("X");
    Put(static_cast<uint32_t>(text.size()));
    file.Write(text);
  }
  void Global(const char* module, const char* name) {
    file.Write("c" + std::string(module) + "\n" + name + "\n");
  }
  void Whole(int64_t value) {
    file.Write(std::string("\x8a\x08", 2));
    Put(value);
  }

  OutputFile file;
  std::vector<bool> open;  // lists (true) and dicts around what is written
  uint64_t missing = 0;    // bytes of the array that is written
};

PickleWriter::PickleWriter(const OutputTarget& target) : impl_(std::make_unique<Impl>(target)) {}
PickleWriter::~PickleWriter() = default;
PickleWriter::PickleWriter(PickleWriter&&) noexcept = default;
PickleWriter& PickleWriter::operator=(PickleWriter&&) noexcept = default;

void PickleWriter::BeginList() {
  impl_->file.Write("]");
  impl_->open.push_back(true);
}
void PickleWriter::BeginDict() {
  impl_->file.Write("}");
  impl_->open.push_back(false);
}
void PickleWriter::End() {
  Require(!impl_->open.empty(), Code::kInternal, "PickleWriter::End: nothing is open");
  impl_->open.pop_back();
  impl_->Done();
}
void PickleWriter::Key(const std::string& name) { impl_->Text(name); }
void PickleWriter::None() {
  impl_->file.Write("N");
  impl_->Done();
}
void PickleWriter::Integer(int64_t value) {
  impl_->Whole(value);
  impl_->Done();
}
void PickleWriter::Number(double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, 8);
  impl_->file.Write("G");
  impl_->Put(__builtin_bswap64(bits));
  impl_->Done();
}
void PickleWriter::BeginArray(const char* type, const std::vector<int64_t>& shape) {
  Impl& impl = *impl_;
  OutputFile& file = impl.file;
  const std::optional<NumberType> known = ParseNumberType(type);
  Require(known.has_value(), Code::kInvalidArgument,
          std::string("PickleWriter: no type of numbers: ") + type);
  int64_t count = 1;
  for (const int64_t side : shape) {
    Require(side >= 0 && (side == 0 || count <= (int64_t{1} << 40) / side), Code::kLimit,
            "PickleWriter: an array is too large");
    count *= side;
  }
  // _reconstruct(ndarray, (0,), b"b"), then its state (1, shape, dtype, False, bytes).
  impl.Global("numpy.core.multiarray", "_reconstruct");
  impl.Global("numpy", "ndarray");
  file.Write(
      std::string("K\x00\x85"
                  "C\x01"
                  "b\x87R(K\x01(",
                  12));
  for (const int64_t side : shape) impl.Whole(side);
  file.Write("t");
  // dtype("f4", False, True), its state (3, "<", None, None, None, -1, -1, 0).
  impl.Global("numpy", "dtype");
  impl.Text(type + 1);
  file.Write("\x89\x88\x87R(K\x03");
  impl.Text(std::string(type, 1));
  file.Write(std::string("NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89", 18));
  const auto bytes = static_cast<uint64_t>(count) * known->size;
  file.Write("\x8e");
  impl.Put(bytes);
  impl.missing = bytes;
}
void PickleWriter::AddNumbers(const void* values, size_t bytes) {
  Impl& impl = *impl_;
  Require(bytes <= impl.missing, Code::kInternal, "PickleWriter: too many numbers of an array");
  impl.file.Write(values, bytes);
  impl.missing -= bytes;
}
void PickleWriter::EndArray() {
  Require(impl_->missing == 0, Code::kInternal, "PickleWriter: too few numbers of an array");
  impl_->file.Write("tb");
  impl_->Done();
}
void PickleWriter::Array(const char* type, const std::vector<int64_t>& shape, const void* values) {
  BeginArray(type, shape);
  AddNumbers(values, impl_->missing);
  EndArray();
}
void PickleWriter::Finish() {
  Require(impl_->open.empty(), Code::kInternal, "PickleWriter::Finish: something is open");
  impl_->file.Write(".");
  impl_->file.Finish();
}

}  // namespace mdvt
