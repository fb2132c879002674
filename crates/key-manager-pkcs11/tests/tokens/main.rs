//! The key manager on real tokens of SoftHSM, behind a library that injects faults.

mod contract;
mod faults;
mod health;
mod keys;
mod pace;
mod programs;
mod rig;
mod sample;
