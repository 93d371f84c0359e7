//! Outputs × ways to die × states of the output: whatever dies, and whatever an output was doing, it is safe at its pin within
//! the time that is stated, and stays so. Made from the rig-configs; judged by what an oscilloscope sees at the pins alone.

use harness::deadly::{Doom, Held, Scene, of_the_tests, shipped};

#[test]
fn every_output_of_every_rig_can_be_asked_into_every_state_it_knows() {
    for rig in shipped().iter().chain([&of_the_tests()]) {
        for held in Held::ALL {
            for doom in [Doom::None, Doom::DividesByZero, Doom::ChainsWithoutEnd, Doom::Ends, Doom::NeverLetsGo] {
                let Some(scene) = Scene::all(rig, held, doom) else { continue };
                let compiled = scene.compiled();
                let outputs = compiled.rig.outputs().count_ones() as usize;
                assert_eq!(scene.cast.len(), outputs, "{}: an output is left out", rig.name);
            }
        }
    }
}
