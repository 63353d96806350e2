// SPDX-License-Identifier: Apache-2.0
// Maps mean the same to every engine, and what is in them is what everybody else finds there.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

#include "resident.h"
#include "vbpf/extension.h"

namespace {

struct Pair {
  uint64_t first, second;
  bool operator==(const Pair&) const = default;
};

// As in maps.cpp.
struct Command {
  uint32_t what, key;
  uint64_t flags;
  Pair value;
  int64_t result;
};

// What came of one packet.
struct Answer {
  std::optional<vbpf::FaultKind> fault;
  Command command{};
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Answer run(const Command& command) = 0;
  virtual std::map<std::string, uint32_t> map_ids() = 0;
};

class KernelEngine : public Engine {
 public:
  KernelEngine() {
    vbpf::kernel::ResidentOptions options;
    options.name = "maps";
    options.budget = std::chrono::seconds(1);
    auto loaded = vbpf::kernel::Resident::load(MAPS_OBJECT, options);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    resident_ = std::make_unique<vbpf::kernel::Resident>(std::move(*loaded));
  }

  Answer run(const Command& command) override {
    std::vector<uint8_t> packet(sizeof(command));
    std::memcpy(packet.data(), &command, sizeof(command));
    const auto ran = resident_->run(0, packet, 1);
    if (!ran) throw std::runtime_error(ran.error().message);
    Answer answer;
    if (ran->fault) answer.fault = ran->fault->kind;
    if (ran->out) std::memcpy(&answer.command, ran->out->data(), sizeof(command));
    return answer;
  }

  std::map<std::string, uint32_t> map_ids() override {
    std::map<std::string, uint32_t> ids;
    const vbpf_info info = *resident_->info();
    for (uint32_t i = 0; i < info.map_count; ++i) {
      const int file = bpf_map_get_fd_by_id(info.map_ids[i]);
      bpf_map_info map{};
      uint32_t size = sizeof(map);
      EXPECT_EQ(bpf_obj_get_info_by_fd(file, &map, &size), 0);
      ::close(file);
      ids[map.name] = info.map_ids[i];
    }
    return ids;
  }

 private:
  std::unique_ptr<vbpf::kernel::Resident> resident_;
};

class UserEngine : public Engine {
 public:
  explicit UserEngine(vbpf::Confinement confinement) {
    vbpf::LoadOptions options;
    options.confine = confinement;
    options.budget = std::chrono::seconds(1);
    auto loaded = vbpf::Extension::open(MAPS_OBJECT, options);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    extension_ = std::make_unique<vbpf::Extension>(std::move(*loaded));
    auto made = extension_->instantiate();
    if (!made) throw std::runtime_error(made.error().message);
    instance_ = std::move(*made);
    window_ = *instance_->window(8192);
    entry_ = *instance_->entry("use_maps");
  }

  Answer run(const Command& command) override {
    auto* slot = reinterpret_cast<vbpf::XdpSlot*>(window_.data());
    std::byte* packet = window_.data() + 4096;
    std::memcpy(packet, &command, sizeof(command));
    *slot = {};
    slot->ctx.data = reinterpret_cast<uint8_t*>(packet);
    slot->ctx.data_end = reinterpret_cast<uint8_t*>(packet) + sizeof(command);
    std::optional<vbpf::Fault> fault;
    instance_->call_xdp(entry_, {slot, 1}, fault);
    Answer answer;
    if (fault) answer.fault = fault->kind;
    std::memcpy(&answer.command, packet, sizeof(command));
    return answer;
  }

  std::map<std::string, uint32_t> map_ids() override {
    std::map<std::string, uint32_t> ids;
    for (const vbpf::MapInfo& map : extension_->maps()) ids[map.name] = map.id;
    return ids;
  }

 private:
  std::unique_ptr<vbpf::Extension> extension_;
  std::unique_ptr<vbpf::Instance> instance_;
  std::span<std::byte> window_;
  uint64_t entry_ = 0;
};

class Maps : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "BPF maps need root";
    const std::string name = GetParam();
    if (name == "Pku" && !vbpf::check_confinement(vbpf::Confinement::pku)) GTEST_SKIP() << "this CPU has no PKU";
    if (name == "Kernel") {
      engine_ = std::make_unique<KernelEngine>();
    } else {
      engine_ = std::make_unique<UserEngine>(name == "Pku" ? vbpf::Confinement::pku : vbpf::Confinement::sfi);
    }
  }

  Answer run(uint32_t what, uint32_t key, Pair value = {}, uint64_t flags = 0) {
    return engine_->run({what, key, flags, value, 0});
  }
  int64_t update(uint32_t key, Pair value, uint64_t flags = 0) { return run(0, key, value, flags).command.result; }
  int map_file(const std::string& name) { return bpf_map_get_fd_by_id(engine_->map_ids().at(name)); }

  std::unique_ptr<Engine> engine_;
};

TEST_P(Maps, HashesHoldWhatWasPutThere) {
  EXPECT_EQ(run(1, 5).command.result, 0);
  EXPECT_EQ(update(5, {1, 2}), 0);
  EXPECT_EQ(run(1, 5).command.result, 1);
  EXPECT_EQ(run(1, 5).command.value, (Pair{1, 2}));
  EXPECT_EQ(update(5, {3, 4}, BPF_NOEXIST), -EEXIST);
  EXPECT_EQ(update(6, {3, 4}, BPF_EXIST), -ENOENT);
  EXPECT_EQ(update(5, {3, 4}, BPF_EXIST), 0);
  EXPECT_EQ(run(1, 5).command.value, (Pair{3, 4}));
  EXPECT_EQ(update(5, {3, 4}, 1000), -EINVAL);
  for (uint32_t key = 6; key < 9; ++key) EXPECT_EQ(update(key, {key, key}), 0);
  EXPECT_EQ(update(9, {9, 9}), -E2BIG);
  EXPECT_EQ(run(2, 5).command.result, 0);
  EXPECT_EQ(run(2, 5).command.result, -ENOENT);
  EXPECT_EQ(update(9, {9, 9}), 0);
}

TEST_P(Maps, ArraysAreThereFromTheStart) {
  EXPECT_EQ(run(4, 2).command.result, 0);
  EXPECT_EQ(run(3, 2, {40, 0}).command.result, 0);
  EXPECT_EQ(run(3, 2, {2, 0}).command.result, 0);
  EXPECT_EQ(run(4, 2).command.result, 42);
  EXPECT_EQ(run(4, 3).command.result, -1);
  EXPECT_EQ(run(3, 3).command.result, -E2BIG);
  EXPECT_EQ(run(5, 2).command.result, -EINVAL);
}

TEST_P(Maps, CDescriptorsWorkToo) {
  EXPECT_EQ(run(6, 1).command.result, 7);
  EXPECT_EQ(run(6, 1).command.result, -EEXIST);
}

TEST_P(Maps, HeapThatWasNeverTouchedCanTakeAValue) {
  EXPECT_EQ(update(5, {11, 12}), 0);
  const Answer answer = run(7, 5);
  EXPECT_EQ(answer.fault, std::nullopt);
  EXPECT_EQ(answer.command.result, 0);
  EXPECT_EQ(answer.command.value, (Pair{11, 12}));
}

// Others see the same map, as bpftool does.
TEST_P(Maps, AreRealBpfMaps) {
  EXPECT_EQ(engine_->map_ids().size(), 3u);
  const int pairs = map_file("pairs");
  ASSERT_GE(pairs, 0);
  EXPECT_EQ(update(77, {5, 6}), 0);
  uint32_t key = 77;
  Pair value{};
  EXPECT_EQ(bpf_map_lookup_elem(pairs, &key, &value), 0);
  EXPECT_EQ(value, (Pair{5, 6}));
  key = 78;
  value = {7, 8};
  EXPECT_EQ(bpf_map_update_elem(pairs, &key, &value, BPF_ANY), 0);
  EXPECT_EQ(run(1, 78).command.value, (Pair{7, 8}));
  ::close(pairs);
}

TEST_P(Maps, GoWithTheExtension) {
  const uint32_t id = engine_->map_ids().at("totals");
  engine_.reset();
  int file = -1;
  // The kernel frees a map a little after its last user.
  for (int i = 0; i < 500 && (file = bpf_map_get_fd_by_id(id)) >= 0; ++i) {
    ::close(file);
    ::usleep(10'000);
  }
  EXPECT_LT(file, 0);
}

TEST_P(Maps, LiesEndTheInvocation) {
  EXPECT_EQ(update(5, {1, 1}), 0);
  for (const uint32_t what : {100u, 101u, 102u, 103u, 104u}) {
    EXPECT_EQ(run(what, 0).fault, vbpf::FaultKind::bad_import) << what;
    EXPECT_EQ(run(1, 5).command.value, (Pair{1, 1})) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Maps, testing::Values("Sfi", "Pku", "Kernel"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
