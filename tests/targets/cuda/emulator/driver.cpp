// A program around a sanitized kernel file: reads buffers, launches one kernel, writes the buffers back.
// driver KERNEL INPUT OUTPUT; every buffer has an allocation of exactly its size. Exit status 3: the message is ours.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "runtime.hpp"

struct Named {
    const char* name;
    cuda_on_cpu::Entry entry;
};
extern "C" const Named cuda_on_cpu_kernels[];

struct Region {
    uint64_t size, misalignment;
};
struct Argument {
    int64_t region;    // -1: a scalar
    uint64_t payload;  // the scalar's bytes, or an offset into the region
};

template <class T> static void read(FILE* file, T* to, const size_t count)
{
    if (fread(to, sizeof(T), count, file) != count) {
        fprintf(stderr, "the input is too short\n");
        exit(2);
    }
}

int main(int, char** argv)
{
    FILE* input = fopen(argv[2], "rb");
    cuda_on_cpu::Launch launch;
    uint64_t counts[2];
    read(input, &launch, 1);
    read(input, counts, 2);
    std::vector<Region> regions(counts[0]);
    std::vector<char*> memory;
    for (Region& r : regions) {
        read(input, &r, 1);
        memory.push_back(static_cast<char*>(malloc(r.misalignment + r.size)) + r.misalignment);
        read(input, memory.back(), r.size);
    }
    std::vector<Argument> arguments(counts[1]);
    std::vector<void*> pointers;
    read(input, arguments.data(), counts[1]);
    fclose(input);
    for (Argument& a : arguments) {
        if (a.region >= 0) a.payload += reinterpret_cast<uint64_t>(memory[size_t(a.region)]);
        pointers.push_back(&a.payload);
    }

    const Named* kernel = cuda_on_cpu_kernels;
    while (strcmp(kernel->name, argv[1]) != 0) ++kernel;
    if (const char* error = kernel->entry(launch, pointers.data())) {
        fprintf(stderr, "%s\n", error);
        return 3;
    }

    FILE* output = fopen(argv[3], "wb");
    for (size_t k = 0; k < regions.size(); ++k) fwrite(memory[k], 1, regions[k].size, output);
    return fclose(output) == 0 ? 0 : 2;
}
